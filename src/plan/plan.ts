import type { ClusterStatus, Member } from '../etcd/types.ts';
import { type BackupSource, backupSources } from './backup.ts';
import { compactionWarnings, type Window, windowOf } from './compaction.ts';
import type { Decision, Policy } from './decision.ts';
import { defragmentationWarnings } from './defragmentation.ts';
import { noticesOf, problemsOf } from './health.ts';
import { judgeMember, quotaWarnings } from './members.ts';
import { forEachPlannedStep, type PlannedStep } from './steps.ts';

/** What a run will do, what not, and why. */
export interface Plan {
  /** what is wrong with the cluster, in words; with anything here it is backed up and otherwise left alone */
  problems: readonly string[];
  warnings: readonly string[];
  steps: Readonly<Record<PlannedStep, Decision>>;
  /** the best first; empty where nothing is to be backed up, or no member can be asked */
  sources: readonly BackupSource[];
  window: Window;
  /**
   * the judgement of each member at today's sizes, which are judged again after the compaction; it counts only where
   * `defragment` is to be done
   */
  members: readonly { member: Member; decision: Decision }[];
}

/** Pure: the same cluster status and policy always give the same plan. */
export function judge(cluster: ClusterStatus, policy: Policy): Plan {
  const problems = problemsOf(cluster);
  const steps = forEachPlannedStep((_step, decide) => decide(cluster, policy, problems));
  return {
    problems,
    warnings: [
      ...cluster.warnings,
      ...noticesOf(cluster),
      ...quotaWarnings(cluster, policy),
      ...compactionWarnings(cluster, policy),
      ...(steps.defragment.do ? defragmentationWarnings(cluster) : []),
    ],
    steps,
    sources: steps.backup.do ? backupSources(cluster) : [],
    window: windowOf(cluster, policy),
    members: cluster.members.map((member) => ({ member, decision: judgeMember(member, cluster, policy) })),
  };
}

/** For each member whether it would be defragmented, and why. */
export function memberDecisions(plan: Plan): { member: Member; defragment: boolean; reason: string }[] {
  const step = plan.steps.defragment;
  return plan.members.map(({ member, decision }) => {
    // Sizes decide only where members are defragmented at all.
    const { do: defragment, reason } = step.do || member.learner ? decision : step;
    return { member, defragment, reason: member.problem ?? reason };
  });
}
