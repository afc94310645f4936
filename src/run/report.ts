import type { Usage } from '../bolt/usage/types.ts';
import type { ConfigProblem } from '../config/config.ts';
import { exitCodeOf, Interrupted, messageOf } from '../errors.ts';
import type { Forecast } from '../history/forecast.ts';
import { forEachStep, type StepName, STEPS } from '../plan/steps.ts';
import type { BackupFacts } from '../steps/backup.ts';
import type { CompactionFacts } from '../steps/compact.ts';
import { memberReport, type MemberReport } from './members.ts';
import type { ObjectsReport, RunState, StepReport } from './state.ts';

export type Outcome = 'ok' | 'nothing-needed' | 'partial' | 'failed' | 'busy' | 'aborted' | 'dry-run';

/** The last log line of a run. */
export interface Report {
  outcome: Outcome;
  exitCode: number;
  version: string;
  cluster?: string;
  clusterId?: string;
  startedAt: string;
  durationMs: number;
  /** what ended the run, for a person */
  error?: string;
  problems: readonly string[];
  warnings: string[];
  configuration?: readonly ConfigProblem[];
  steps: Record<StepName, StepReport>;
  backup?: BackupFacts;
  compaction?: CompactionFacts;
  members: readonly MemberReport[];
  reclaimedBytes: number;
  /** of this cluster in the store, once old ones were pruned */
  backups?: number;
  /** what fills the database, where that was looked at: of the largest keys only a few */
  usage?: Usage;
  objects?: ObjectsReport;
  forecast?: Forecast;
}

export function reportOf(state: RunState, finishedAt: Date): Report {
  const exitCode = exitCodeFor(state);
  const members = (state.clusterStatus?.members ?? []).map((member) => memberReport(member, state));
  return {
    outcome: outcomeOf(state, exitCode),
    exitCode,
    version: state.version,
    ...(state.cluster && { cluster: state.cluster.name }),
    ...(state.cluster?.id !== undefined && { clusterId: state.cluster.id }),
    startedAt: state.startedAt.toISOString(),
    durationMs: finishedAt.getTime() - state.startedAt.getTime(),
    ...(state.ended !== undefined && { error: messageOf(state.ended) }),
    problems: state.problems,
    warnings: [...state.warnings, ...members.flatMap((member) => member.warning ?? [])],
    ...(state.configuration && { configuration: state.configuration }),
    steps: stepReports(state),
    ...(state.backup && { backup: state.backup }),
    ...(state.compaction && { compaction: state.compaction }),
    members,
    reclaimedBytes: members.reduce((sum, member) => sum + reclaimedBytes(member), 0),
    ...(state.backups !== undefined && { backups: state.backups }),
    ...(state.usage && { usage: reportedUsage(state.usage) }),
    ...(state.objects && { objects: state.objects }),
    ...(state.forecast && { forecast: state.forecast }),
  };
}

/** So many keys of each list: all of them are in the manifest. */
const NAMED_KEYS = 10;

const reportedUsage = (usage: Usage): Usage => ({
  ...usage,
  largest: usage.largest.slice(0, NAMED_KEYS),
  mostRevised: usage.mostRevised.slice(0, NAMED_KEYS),
});

function exitCodeFor({ ended, problems, steps, dryRun }: RunState): number {
  if (ended !== undefined) return exitCodeOf(ended);
  if (dryRun) return 0;
  // Backed up, and left alone: somebody has to look, also where the configuration asked for nothing more.
  if (problems.length > 0) return 5;
  return Object.values(steps).some(({ status }) => status === 'refused' || status === 'failed') ? 5 : 0;
}

function outcomeOf({ dryRun, steps, ended }: RunState, exitCode: number): Outcome {
  if (ended instanceof Interrupted) return 'aborted';
  switch (exitCode) {
    case 0: {
      if (dryRun) return 'dry-run';
      const changed = STEPS.some(
        ({ name, changesCluster }) => changesCluster && steps[name]?.status === 'done',
      );
      return changed ? 'ok' : 'nothing-needed';
    }
    case 5:
      return 'partial';
    case 6:
      return 'busy';
    default:
      return 'failed';
  }
}

/** Every step, those too that were not reached. */
function stepReports({ steps, ended }: RunState): Record<StepName, StepReport> {
  // The last one: a refused step before it ended nothing.
  const failed = STEPS.findLast(
    ({ name }) => steps[name]?.status === 'failed' || steps[name]?.status === 'refused',
  );
  const why =
    ended === undefined
      ? 'not reached'
      : `not reached: the run ended ${failed ? `at ${failed.name}` : 'before it'}`;
  return forEachStep((name) => steps[name] ?? { status: 'skipped', reason: why, durationMs: 0 });
}

function reclaimedBytes({ before, after }: MemberReport): number {
  return Math.max(0, (before?.dbSize ?? 0) - (after?.dbSize ?? before?.dbSize ?? 0));
}
