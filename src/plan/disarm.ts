import type { ClusterStatus } from '../etcd/types.ts';
import { type Decision, go, notWell, type Policy, skip } from './decision.ts';
import { alarmsOf, nameOf } from './health.ts';

/** Judged again before it is done: the database may have filled up while the run went on. */
export function judgeDisarm(
  cluster: ClusterStatus,
  { alarmDisarm }: Pick<Policy, 'alarmDisarm'>,
  problems: readonly string[],
): Decision {
  const full = alarmsOf(cluster, 'NOSPACE').map(({ memberId }) => nameOf(cluster, memberId));
  if (full.length === 0) return skip('no NOSPACE alarm');
  if (!alarmDisarm) {
    return skip('ALARM_DISARM is false; the cluster takes no writes until somebody disarms NOSPACE');
  }
  if (problems.length > 0) return notWell(problems);
  return go(`NOSPACE at ${full.join(', ')}, once every voting member is below 90 % of its quota`);
}
