import { type ClusterStatus, label } from '../etcd/types.ts';
import { type Decision, go, notWell, type Policy, skip } from './decision.ts';
import { alarmsOf, nameOf } from './health.ts';
import { untoldQuotas } from './members.ts';

/** Judged again before it is done: the database may have filled up while the run went on. */
export function judgeDisarm(
  cluster: ClusterStatus,
  policy: Pick<Policy, 'alarmDisarm' | 'quotaBytes'>,
  problems: readonly string[],
): Decision {
  const full = alarmsOf(cluster, 'NOSPACE').map(({ memberId }) => nameOf(cluster, memberId));
  if (full.length === 0) return skip('no NOSPACE alarm');
  if (!policy.alarmDisarm) {
    return skip('ALARM_DISARM is false; the cluster takes no writes until somebody disarms NOSPACE');
  }
  if (problems.length > 0) return notWell(problems);
  const untold = untoldQuotas(cluster, policy).map(label);
  const unless =
    untold.length === 0 ? '' : `, as far as it is known (not at ${untold.join(', ')}: QUOTA_BYTES)`;
  return go(`NOSPACE at ${full.join(', ')}, once every voting member is below 90 % of its quota${unless}`);
}
