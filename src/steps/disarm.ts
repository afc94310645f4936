import { Failure } from '../errors.ts';
import { disarmNoSpace } from '../etcd/client/calls.ts';
import type { Cluster } from '../etcd/cluster/discover.ts';
import { checkHealthy } from '../etcd/cluster/healthy.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { toEtcdError } from '../etcd/errors.ts';
import { label, type Member, type Quota, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { FULL_USAGE } from '../plan/plan.ts';

export interface DisarmTask {
  cluster: Cluster;
  /** the members whose NOSPACE alarm is on */
  alarmed: readonly string[];
  quotaOf: (member: Member) => Quota;
  lock: Lock;
  log: Log;
  signal: AbortSignal;
}

/**
 * Disarms NOSPACE, and no other alarm, once there is room on every voting member; then proves that a write works.
 * @throws Failure `step`
 */
export async function disarm({ cluster, alarmed, quotaOf, lock, log, signal }: DisarmTask): Promise<void> {
  const members = await checkHealthy(cluster, signal);
  const full = votersOf({ members }).find((member) => {
    const quota = quotaOf(member);
    return quota.kind !== 'none' && (member.status?.dbSize ?? 0) >= FULL_USAGE * quota.bytes;
  });
  if (full) {
    const quota = quotaOf(full);
    throw new Failure(
      'refused',
      `NOSPACE was not disarmed: the database of ${label(full)} still takes ${full.status?.dbSize} of ${quota.kind === 'none' ? 'unlimited' : quota.bytes} bytes, ` +
        'and the alarm would come straight back. The cluster takes no writes: delete what is not needed, or raise --quota-backend-bytes',
    );
  }
  const leader = members.find((member) => member.id === member.status?.leaderId);
  const connection = leader && cluster.connections.get(leader.id);
  if (connection === undefined)
    throw new Failure('step', 'NOSPACE was not disarmed: the leader cannot be reached');
  try {
    await lock.ensure();
    for (const memberId of alarmed) await disarmNoSpace(connection, memberId);
    if (!(await lock.touch()))
      throw new Failure('step', 'NOSPACE came straight back: the cluster takes no writes');
  } catch (error) {
    throw new Failure(
      'step',
      `NOSPACE was not disarmed, or came back: ${toEtcdError(error).message}. The cluster may take no writes`,
      { cause: error },
    );
  }
  log.info({ members: alarmed }, 'alarm NOSPACE disarmed, the cluster takes writes again');
}
