import type { Config } from '../config/config.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { type Lock, takeLock } from '../etcd/lock/lock.ts';
import type { Log } from '../log.ts';
import type { StepEnd } from '../plan/steps.ts';

interface LockInput {
  client: ClusterClient;
  config: Pick<Config, 'lock'>;
  holder: string;
  log: Log;
  signal: AbortSignal;
  warn: (warning: string) => void;
}

/**
 * Keeps other runs out of the cluster. Where nothing can be written there is no lock, and the run goes on without.
 * @throws Failure `locked`, `configuration`
 */
export async function lockCluster(input: LockInput): Promise<StepEnd & { lock: Lock }> {
  const { client, config, holder, log, signal, warn } = input;
  const lock = await takeLock(client, { ttlMs: config.lock.ttlMs, holder, log, signal });
  if (lock.missing === undefined) return { status: 'done', reason: 'no other run on this cluster', lock };
  const what = lock.refused ? 'the cluster takes no writes' : 'the lock could not be taken';
  const reason = `${what}, so the run goes on without a lock: ${lock.missing}`;
  warn(reason);
  return { status: 'skipped', reason, lock };
}
