import { label } from '../etcd/types.ts';
import type { Decision, Plan } from '../plan/plan.ts';
import type { StepName } from './report.ts';
import type { Work } from '../work.ts';

/** Logs what was seen and what will be done, and takes both into the report. */
export function tell({ log, night, view, plan, config }: Work): void {
  night.problems = plan.problems;
  night.warnings.push(...plan.warnings);
  const { window, windowFrom } = plan.compact;
  const from = view.compactRevision;
  night.compaction = {
    ...(from !== undefined && { from }),
    ...(view.revision > window && { target: view.revision - window }),
    window,
    windowFrom,
  };
  for (const warning of night.warnings) log.warn({ warning }, 'warning');
  for (const problem of plan.problems) log.error({ problem }, 'cluster is not well');
  const decisions = decisionsOf(plan);
  for (const { id, reason } of decisions) night.members.set(id, { defragmented: false, reason });
  log.info(
    {
      dryRun: config.dryRun,
      alarms: view.alarms,
      consistency: view.hashes.kind,
      backup: plan.backup.reason,
      compact: plan.compact.reason,
      defragment: plan.defragment.reason,
      disarm: plan.disarm.reason,
      members: decisions.map(({ id: _unused, ...decision }) => decision),
    },
    'plan',
  );
}

/** For each member whether it would be defragmented, and why. */
export function decisionsOf(
  plan: Plan,
): { id: string; member: string; defragment: boolean; reason: string }[] {
  return plan.members.map(({ member, decision }) => {
    // Sizes decide only where members are defragmented at all.
    const { do: picked, reason } = plan.defragment.do || member.learner ? decision : plan.defragment;
    return { id: member.id, member: label(member), defragment: picked, reason: member.problem ?? reason };
  });
}

/** What a run would have done, in the places where the report says what it did. */
export function noteDryRun({ night, plan }: Work): void {
  night.steps.lock = { status: 'skipped', reason: 'dry run', durationMs: 0 };
  const planned: [StepName, Decision][] = [
    ['backup', plan.backup],
    ['prune', plan.prune],
    ['compact', plan.compact],
    ['defragment', plan.defragment],
    ['disarm', plan.disarm],
  ];
  for (const [name, decision] of planned) {
    night.steps[name] = decision.do
      ? { status: 'skipped', reason: `dry run; would be done: ${decision.reason}`, durationMs: 0 }
      : { status: decision.status, reason: decision.reason, durationMs: 0 };
  }
}
