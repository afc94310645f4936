import type { ClusterStatus } from '../etcd/types.ts';
import { judgeBackup } from './backup.ts';
import { judgeCompaction } from './compaction.ts';
import type { Decision, Policy } from './decision.ts';
import { judgeDefragmentation } from './defragmentation.ts';
import { judgeDisarm } from './disarm.ts';
import { judgePrune } from './prune.ts';

/** A step of a run, as everything that speaks of steps has to know it. */
interface Step {
  readonly name: string;
  /** Whether it changes the cluster: once one of these is done the outcome is `ok` instead of `nothing-needed`. */
  readonly changesCluster: boolean;
  /** What the plan decides of it, and why. Steps without this belong to every run. */
  readonly judge?: (cluster: ClusterStatus, policy: Policy, problems: readonly string[]) => Decision;
}

/**
 * The steps of a run, in their order. The plan and its log line, `status`, a dry run, the report with its outcome and exit
 * code, the termination message and the metrics all follow this table; what a step does is in `src/steps/`, and
 * `src/run.ts` says where it is done.
 */
export const STEPS = [
  { name: 'inspect', changesCluster: false },
  { name: 'lock', changesCluster: false },
  { name: 'backup', changesCluster: false, judge: judgeBackup },
  { name: 'prune', changesCluster: false, judge: judgePrune },
  { name: 'compact', changesCluster: true, judge: judgeCompaction },
  { name: 'defragment', changesCluster: true, judge: judgeDefragmentation },
  { name: 'disarm', changesCluster: true, judge: judgeDisarm },
] as const satisfies readonly Step[];

export type StepName = (typeof STEPS)[number]['name'];
export const STEP_NAMES: readonly StepName[] = STEPS.map(({ name }) => name);

/** The steps that the plan decides of. */
export type PlannedStep = Extract<(typeof STEPS)[number], { judge: unknown }>['name'];

export const STEP_STATUSES = ['done', 'skipped', 'refused', 'failed'] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

/** How a step ended when nothing was thrown. */
export interface StepEnd {
  status: 'done' | 'skipped';
  reason: string;
}

/** A value for every step. */
export function forEachStep<T>(valueOf: (step: StepName) => T): Record<StepName, T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys, which the table has
  return Object.fromEntries(STEP_NAMES.map((step) => [step, valueOf(step)])) as Record<StepName, T>;
}

/** A value for every step that the plan decides of. */
export function forEachPlannedStep<T>(
  valueOf: (step: PlannedStep, judge: NonNullable<Step['judge']>) => T,
): Record<PlannedStep, T> {
  const planned = STEPS.flatMap((step) => ('judge' in step ? [step] : []));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same
  return Object.fromEntries(planned.map(({ name, judge }) => [name, valueOf(name, judge)])) as Record<
    PlannedStep,
    T
  >;
}
