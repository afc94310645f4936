import { type Alarm, type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';

/** What is wrong with the cluster, in words; with anything here it is backed up and otherwise left alone. */
export function problemsOf(cluster: ClusterStatus): string[] {
  return [
    ...(cluster.leaderId === undefined ? ['the cluster has no leader'] : []),
    ...alarmsOf(cluster, 'CORRUPT').map((alarm) => corruptAlarm(cluster, alarm)),
    ...(cluster.hashes.kind === 'mismatch' ? [cluster.hashes.message] : []),
    ...votersOf(cluster).flatMap((member) => memberProblem(member) ?? []),
  ];
}

/** What an operator should know though it stops nothing. */
export function noticesOf(cluster: ClusterStatus): string[] {
  const full = alarmsOf(cluster, 'NOSPACE').map(({ memberId }) => nameOf(cluster, memberId));
  return [
    ...(full.length > 0
      ? [`NOSPACE alarm at ${full.join(', ')}: the cluster refuses every write but deletions`]
      : []),
    ...cluster.members.flatMap((member) => (member.learner ? (memberProblem(member) ?? []) : [])),
  ];
}

/** Why nobody can be sure that this run's backup is good; then an older one may be the only good one. */
export function doubtsOf(cluster: ClusterStatus): string[] {
  return [
    ...(cluster.leaderId === undefined ? ['the cluster has no leader'] : []),
    ...(alarmsOf(cluster, 'CORRUPT').length > 0 ? ['there is a CORRUPT alarm'] : []),
    ...(cluster.hashes.kind === 'mismatch' ? ["the members' hashes differ"] : []),
  ];
}

export const alarmsOf = (cluster: ClusterStatus, type: Alarm['type']): Alarm[] =>
  cluster.alarms.filter((alarm) => alarm.type === type);

export function nameOf(cluster: ClusterStatus, memberId: string): string {
  const member = cluster.members.find(({ id }) => id === memberId);
  return member ? label(member) : `${memberId} (not in the member list)`;
}

/** etcd 3.5 accuses member 0 whenever it finds a difference, later versions where no majority agrees. */
const NO_MEMBER = '0';

function corruptAlarm(cluster: ClusterStatus, { memberId }: Alarm): string {
  if (memberId !== NO_MEMBER) return `CORRUPT alarm at ${nameOf(cluster, memberId)}`;
  return 'CORRUPT alarm: etcd found that the members do not hold the same data, and does not say which of them is wrong';
}

function memberProblem(member: Member): string | undefined {
  const why = member.problem ?? (member.status === undefined ? 'it did not answer' : undefined);
  if (why === undefined) return undefined;
  return `${member.learner ? 'learner' : 'member'} ${label(member)}: ${why}`;
}
