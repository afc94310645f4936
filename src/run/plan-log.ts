import type { Config } from '../config/config.ts';
import { type ClusterStatus, label } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { knownQuotas } from '../plan/members.ts';
import { memberDecisions, type Plan } from '../plan/plan.ts';
import { forEachPlannedStep } from '../plan/steps.ts';
import type { RunState } from './state.ts';

/** Takes what was seen and what will be done into the run's state. */
export function recordPlan(state: RunState, cluster: ClusterStatus, plan: Plan, config: Config): void {
  const { window, windowFrom } = plan.window;
  const from = cluster.compactRevision;
  state.clusterStatus = cluster;
  state.quotas = knownQuotas(cluster, config);
  state.problems = plan.problems;
  state.warnings.push(...plan.warnings);
  state.compaction = {
    ...(from !== undefined && { from }),
    ...(cluster.revision > window && { target: cluster.revision - window }),
    window,
    windowFrom,
  };
  for (const { member, reason } of memberDecisions(plan)) {
    state.members.set(member.id, { defragmented: false, reason });
  }
}

/** Logs what is wrong, and the plan in one line with the reason for each step. */
export function logPlan(log: Log, state: RunState, cluster: ClusterStatus, plan: Plan): void {
  for (const warning of state.warnings) log.warn({ warning }, 'warning');
  for (const problem of plan.problems) log.error({ problem }, 'cluster is not well');
  log.info(
    {
      dryRun: state.dryRun,
      alarms: cluster.alarms,
      consistency: cluster.hashes.kind,
      ...forEachPlannedStep((step) => plan.steps[step].reason),
      members: memberDecisions(plan).map(({ member, ...decision }) => ({
        member: label(member),
        ...decision,
      })),
    },
    'plan',
  );
}

/** What a run would have done, in the places where the report says what it did. */
export function recordDryRun(state: RunState, plan: Plan): void {
  state.steps.lock = { status: 'skipped', reason: 'dry run', durationMs: 0 };
  Object.assign(
    state.steps,
    forEachPlannedStep((step) => {
      const decision = plan.steps[step];
      return decision.do
        ? { status: 'skipped', reason: `dry run; would be done: ${decision.reason}`, durationMs: 0 }
        : { status: decision.status, reason: decision.reason, durationMs: 0 };
    }),
  );
}
