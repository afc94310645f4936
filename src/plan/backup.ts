import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import { type Decision, go, type Policy, refuse, skip } from './decision.ts';
import { alarmsOf, doubtsOf } from './health.ts';

export type BackupDecision = Decision & {
  from?: Member;
  /** why this backup may not be a good one, though there is no better */
  doubts?: readonly string[];
};

export function judgeBackup(view: ClusterStatus, { backup }: Policy): BackupDecision {
  if (!backup.enabled) return skip('BACKUP_ENABLED is false');
  const best = bestMember(view);
  if (best === undefined) {
    const silent = votersOf(view).map(
      (member) => `${label(member)}: ${member.problem ?? 'it did not answer'}`,
    );
    return refuse(`no voting member can serve a snapshot (${silent.join('; ')})`);
  }
  const role = best.id === view.leaderId ? 'the leader' : 'a follower';
  const told = `from ${label(best)}, ${role}, at revision ${best.status?.revision}`;
  const doubts = doubtsAbout(best, view);
  return { ...go([told, ...doubts].join('; ')), from: best, doubts };
}

/**
 * A healthy follower, else the leader, else whoever answers and has applied most. Above that goes the doubt about a
 * member's data: one that CORRUPT accuses, or that is outside of the majority, is taken only where there is no other.
 */
function bestMember(view: ClusterStatus): Member | undefined {
  const rank = (member: Member): number[] => {
    const sick = member.problem !== undefined;
    const leads = member.id === view.leaderId;
    return [
      Number(isAccused(member, view)),
      Number(isOutvoted(member, view)),
      Number(sick),
      Number(leads && !sick),
      -(member.status?.raftAppliedIndex ?? 0),
      Number(leads),
    ];
  };
  return votersOf(view)
    .filter((member) => member.status !== undefined)
    .toSorted((a, b) => compareRanks(rank(a), rank(b)))[0];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

const isAccused = ({ id }: Member, view: ClusterStatus): boolean =>
  alarmsOf(view, 'CORRUPT').some(({ memberId }) => memberId === id);

const isOutvoted = ({ id }: Member, { hashes }: ClusterStatus): boolean =>
  hashes.kind === 'mismatch' && hashes.majority.length > 0 && !hashes.majority.includes(id);

function doubtsAbout(member: Member, view: ClusterStatus): string[] {
  const { hashes } = view;
  return [
    ...(isAccused(member, view) ? ['a CORRUPT alarm accuses it, and no other voting member answers'] : []),
    ...(isOutvoted(member, view) ? ['the majority holds other data, but none of it can be used'] : []),
    ...(hashes.kind === 'mismatch' && hashes.majority.length === 0
      ? ['no majority holds the same data, so nobody can say whether this copy is the right one']
      : []),
    ...(member.problem === undefined ? [] : [`it is not well itself: ${member.problem}`]),
  ];
}

/** Whether old backups may be pruned once this run's own is proved. */
export function judgePrune(view: ClusterStatus, { backup }: Policy): Decision {
  if (!backup.enabled) return skip('BACKUP_ENABLED is false');
  const rules = Object.entries(backup.keep).filter(([, count]) => count > 0);
  if (rules.length === 0) return skip('every BACKUP_KEEP_* is 0: all backups are kept');
  // One sick member is no reason: the disk would fill.
  const doubts = doubtsOf(view);
  if (doubts.length > 0) {
    return refuse(
      `no backup is deleted, because ${doubts.join(' and ')}: an older one may be the only good one`,
    );
  }
  return go(`keeps ${rules.map(([rule, count]) => `BACKUP_KEEP_${rule.toUpperCase()}=${count}`).join(', ')}`);
}
