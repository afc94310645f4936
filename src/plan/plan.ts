import type { ClusterStatus, Member } from '../etcd/types.ts';
import { type BackupDecision, judgeBackup, judgePrune } from './backup.ts';
import { compactionWarnings, judgeCompaction, type Window } from './compaction.ts';
import { type Decision, go, notWell, type Policy, skip } from './decision.ts';
import { defragmentationWarnings, judgeDefragmentation } from './defragmentation.ts';
import { alarmsOf, nameOf, noticesOf, problemsOf } from './health.ts';
import { judgeMember } from './members.ts';

export type { Decision } from './decision.ts';
export { FULL_USAGE, judgeMember, quotaFor, quotasOf } from './members.ts';

export interface Plan {
  /** what is wrong with the cluster, in words; with anything here it is backed up and otherwise left alone */
  problems: readonly string[];
  warnings: readonly string[];
  /** the member to stream from; undefined when none can be asked */
  backup: BackupDecision;
  /** whether old backups may be pruned once this run's is proved */
  prune: Decision;
  compact: Decision & Window;
  /** whether members are defragmented at all; which ones is decided on the sizes after the compaction */
  defragment: Decision;
  /** the same judgement on today's sizes, for a dry run and for the log; it counts only where `defragment` is to be done */
  members: readonly { member: Member; decision: Decision }[];
  disarm: Decision;
}

/** Pure: the same view and policy always give the same plan. */
export function judge(view: ClusterStatus, policy: Policy): Plan {
  const problems = problemsOf(view);
  const defragment = judgeDefragmentation(view, policy, problems);
  return {
    problems,
    warnings: [
      ...view.warnings,
      ...noticesOf(view),
      ...compactionWarnings(view, policy),
      ...(defragment.do ? defragmentationWarnings(view) : []),
    ],
    backup: judgeBackup(view, policy),
    prune: judgePrune(view, policy),
    compact: judgeCompaction(view, policy, problems),
    defragment,
    members: view.members.map((member) => ({ member, decision: judgeMember(member, view, policy) })),
    disarm: judgeDisarm(view, policy, problems),
  };
}

/** Judged again before it is done: the database may have filled up while the run went on. */
export function judgeDisarm(
  view: ClusterStatus,
  { alarmDisarm }: Policy,
  problems: readonly string[],
): Decision {
  const full = alarmsOf(view, 'NOSPACE').map(({ memberId }) => nameOf(view, memberId));
  if (full.length === 0) return skip('no NOSPACE alarm');
  if (!alarmDisarm) {
    return skip('ALARM_DISARM is false; the cluster takes no writes until somebody disarms NOSPACE');
  }
  if (problems.length > 0) return notWell(problems);
  return go(`NOSPACE at ${full.join(', ')}, once every voting member is below 90 % of its quota`);
}
