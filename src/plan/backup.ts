import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import { type Decision, go, type Policy, refuse, skip } from './decision.ts';
import { alarmsOf } from './health.ts';

/** A member that the snapshot may be streamed from. */
export interface BackupSource {
  member: Member;
  /** why this backup may not be a good one, though there is no better */
  doubts: readonly string[];
}

export function judgeBackup(cluster: ClusterStatus, { backup }: Pick<Policy, 'backup'>): Decision {
  if (!backup.enabled) return skip('BACKUP_ENABLED is false');
  const [source] = backupSources(cluster);
  if (source === undefined) {
    const silent = votersOf(cluster).map(
      (member) => `${label(member)}: ${member.problem ?? 'it did not answer'}`,
    );
    return refuse(`no voting member can serve a snapshot (${silent.join('; ')})`);
  }
  const { member, doubts } = source;
  const role = member.id === cluster.leaderId ? 'the leader' : 'a follower';
  return go([`from ${label(member)}, ${role}, at revision ${member.status?.revision}`, ...doubts].join('; '));
}

/**
 * The members that the snapshot may be streamed from, the best first; none where no voting member answers. One whose data
 * is doubted is among them only where there is no other, and then alone: it must not come in when a better one breaks off.
 */
export function backupSources(cluster: ClusterStatus): BackupSource[] {
  const members = rankedMembers(cluster);
  const trusted = members.filter((member) => !isAccused(member, cluster) && !isOutvoted(member, cluster));
  const candidates = trusted.length > 0 ? trusted : members.slice(0, 1);
  return candidates.map((member) => ({ member, doubts: doubtsAbout(member, cluster) }));
}

/**
 * A healthy follower, else the leader, else whoever answers and has applied most. Above that goes the doubt about a
 * member's data: one that CORRUPT accuses, or that is outside of the majority, comes last.
 */
function rankedMembers(cluster: ClusterStatus): Member[] {
  const rank = (member: Member): number[] => {
    const sick = member.problem !== undefined;
    const leads = member.id === cluster.leaderId;
    return [
      Number(isAccused(member, cluster)),
      Number(isOutvoted(member, cluster)),
      Number(sick),
      Number(leads && !sick),
      -(member.status?.raftAppliedIndex ?? 0),
      Number(leads),
    ];
  };
  return votersOf(cluster)
    .filter((member) => member.status !== undefined)
    .toSorted((a, b) => compareRanks(rank(a), rank(b)));
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

const isAccused = ({ id }: Member, cluster: ClusterStatus): boolean =>
  alarmsOf(cluster, 'CORRUPT').some(({ memberId }) => memberId === id);

const isOutvoted = ({ id }: Member, { hashes }: ClusterStatus): boolean =>
  hashes.kind === 'mismatch' && hashes.majority.length > 0 && !hashes.majority.includes(id);

function doubtsAbout(member: Member, cluster: ClusterStatus): string[] {
  const { hashes } = cluster;
  return [
    ...(isAccused(member, cluster) ? ['a CORRUPT alarm accuses it, and no other voting member answers'] : []),
    ...(isOutvoted(member, cluster) ? ['the majority holds other data, but none of it can be used'] : []),
    ...(hashes.kind === 'mismatch' && hashes.majority.length === 0
      ? ['no majority holds the same data, so nobody can say whether this copy is the right one']
      : []),
    ...(member.problem === undefined ? [] : [`it is not well itself: ${member.problem}`]),
  ];
}
