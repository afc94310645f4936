import { type Alarm, type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';

/** What is wrong with the cluster, in words; with anything here it is backed up and otherwise left alone. */
export function problemsOf(view: ClusterStatus): string[] {
  return [
    ...(view.leaderId === undefined ? ['the cluster has no leader'] : []),
    ...alarmsOf(view, 'CORRUPT').map((alarm) => corruptAlarm(view, alarm)),
    ...(view.hashes.kind === 'mismatch' ? [view.hashes.message] : []),
    ...votersOf(view).flatMap((member) => memberProblem(member) ?? []),
  ];
}

/** What an operator should know though it stops nothing. */
export function noticesOf(view: ClusterStatus): string[] {
  const full = alarmsOf(view, 'NOSPACE').map(({ memberId }) => nameOf(view, memberId));
  return [
    ...(full.length > 0
      ? [`NOSPACE alarm at ${full.join(', ')}: the cluster refuses every write but deletions`]
      : []),
    ...view.members.flatMap((member) => (member.learner ? (memberProblem(member) ?? []) : [])),
  ];
}

/** Why nobody can be sure that this run's backup is good; then an older one may be the only good one. */
export function doubtsOf(view: ClusterStatus): string[] {
  return [
    ...(view.leaderId === undefined ? ['the cluster has no leader'] : []),
    ...(alarmsOf(view, 'CORRUPT').length > 0 ? ['there is a CORRUPT alarm'] : []),
    ...(view.hashes.kind === 'mismatch' ? ["the members' hashes differ"] : []),
  ];
}

export const alarmsOf = (view: ClusterStatus, type: Alarm['type']): Alarm[] =>
  view.alarms.filter((alarm) => alarm.type === type);

export function nameOf(view: ClusterStatus, memberId: string): string {
  const member = view.members.find(({ id }) => id === memberId);
  return member ? label(member) : `${memberId} (not in the member list)`;
}

/** etcd 3.5 accuses member 0 whenever it finds a difference, later versions where no majority agrees. */
const NO_MEMBER = '0';

function corruptAlarm(view: ClusterStatus, { memberId }: Alarm): string {
  if (memberId !== NO_MEMBER) return `CORRUPT alarm at ${nameOf(view, memberId)}`;
  return 'CORRUPT alarm: etcd found that the members do not hold the same data, and does not say which of them is wrong';
}

function memberProblem(member: Member): string | undefined {
  const why = member.problem ?? (member.status === undefined ? 'it did not answer' : undefined);
  if (why === undefined) return undefined;
  return `${member.learner ? 'learner' : 'member'} ${label(member)}: ${why}`;
}
