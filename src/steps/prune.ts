import type { ClusterIdentity } from '../backup/inventory.ts';
import { findOutdated } from '../backup/outdated.ts';
import { prune as removeBackups } from '../backup/prune.ts';
import type { BackupGuarantee, VerifiedBackup } from '../backup/proof.ts';
import type { Config } from '../config/config.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import type { StepEnd } from '../plan/steps.ts';
import type { Keep } from '../backup/retention.ts';
import { boundedBy } from '../storage/bounded.ts';
import type { Store } from '../storage/store.ts';
import { Failure } from '../errors.ts';
import type { Log } from '../log.ts';

/** How many files are named in the log for one reason; of more, only their number. */
const NAMED = 50;

export interface PruneTask {
  store: Store;
  cluster: ClusterIdentity;
  keep: Keep;
  now: Date;
  /** what is left of BACKUP_TIMEOUT */
  timeoutMs: number;
  log: Log;
  signal: AbortSignal;
}

export interface PruneResult {
  removed: readonly string[];
  kept: number;
  /** how many more are to go, which is for later runs */
  left: number;
}

/**
 * Deletes the backups that no rule keeps, now that this run's own is proved: a few hundred at the most.
 * @throws Failure `step` when something could not be deleted, or not in time
 */
export async function pruneBackups(own: VerifiedBackup, task: PruneTask): Promise<PruneResult> {
  const timeout = AbortSignal.timeout(Math.max(0, task.timeoutMs));
  try {
    const store = boundedBy(AbortSignal.any([task.signal, timeout]), task.store);
    return await deleteOutdated(own, { ...task, store });
  } catch (error) {
    task.signal.throwIfAborted();
    if (timeout.aborted) {
      const left = `${Math.ceil(task.timeoutMs / 1000)} s that were left of BACKUP_TIMEOUT`;
      throw new Failure(
        'step',
        `old backups were not all deleted within the ${left}, so the store will fill: look at ${task.store.location}`,
        { cause: error },
      );
    }
    if (error instanceof Failure && error.kind === 'backup')
      throw new Failure('step', error.message, { cause: error });
    throw error;
  }
}

async function deleteOutdated(
  own: VerifiedBackup,
  { store, cluster, keep, now, log }: PruneTask,
): Promise<PruneResult> {
  const occasion = { now, own: own.manifest.name };
  const { remove, kept, future, ignored, left } = await findOutdated(store, cluster, keep, occasion);
  for (const { name, reason } of ignored.slice(0, NAMED))
    log.warn({ file: name, reason }, 'file in the store left alone');
  if (ignored.length > NAMED)
    log.warn({ files: ignored.length - NAMED }, 'more files in the store left alone');
  for (const name of future.slice(0, NAMED))
    log.warn({ backup: name }, 'backup is dated in the future, kept and not counted');
  if (future.length > NAMED)
    log.warn(
      { backups: future.length - NAMED },
      'more backups are dated in the future, kept and not counted',
    );
  const { removed, failures } = await removeBackups(store, remove);
  for (const name of removed) log.info({ backup: name }, 'old backup deleted');
  if (left > 0) log.info({ backups: left }, 'more old backups than one run deletes, left to later runs');
  const [first] = failures;
  if (first) {
    throw new Failure(
      'step',
      `${failures.length} old backups could not be deleted, so the store will fill: ${first.name}: ${first.error.message}`,
      { cause: first.error },
    );
  }
  return { removed, kept, left };
}

interface PruneInput {
  store: Store;
  client: ClusterClient;
  clusterName: string;
  config: Pick<Config, 'backup'>;
  /** how much of BACKUP_TIMEOUT, which is for both, the backup took */
  backupMs: number;
  log: Log;
  signal: AbortSignal;
}

/**
 * Deletes old backups, where this run has made one of its own.
 * @throws Failure `step`
 */
export async function prune(
  guarantee: BackupGuarantee,
  { store, client, clusterName, config, backupMs, log, signal }: PruneInput,
): Promise<StepEnd & { facts?: { backups: number } }> {
  if (guarantee.kind !== 'verified')
    return { status: 'skipped', reason: 'this run made no backup, so none is deleted' };
  const { removed, kept, left } = await pruneBackups(guarantee, {
    store,
    cluster: { name: clusterName, id: client.id },
    keep: config.backup.keep,
    now: new Date(),
    timeoutMs: config.backup.timeoutMs - backupMs,
    log,
    signal,
  });
  const later = left > 0 ? `, ${left} left to later runs` : '';
  return {
    status: removed.length > 0 ? 'done' : 'skipped',
    reason: `${removed.length} backups deleted, ${kept} kept${later}`,
    facts: { backups: kept },
  };
}
