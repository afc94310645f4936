import type { Usage } from '../bolt/usage/types.ts';
import type { ConfigProblem } from '../config/config.ts';
import type { ClusterStatus, Member } from '../etcd/types.ts';
import type { Forecast } from '../history/forecast.ts';
import type { Log } from '../log.ts';
import type { StepName, StepStatus } from '../plan/steps.ts';
import type { BackupFacts } from '../steps/backup.ts';
import type { CompactionFacts } from '../steps/compact.ts';
import type { MemberOutcome } from '../steps/defragment.ts';
import { clockFrom } from '../util/time.ts';

/** What a run is given beside its configuration. */
export interface RunContext {
  log: Log;
  /** aborted with an `Interrupted` when the process is to end */
  signal: AbortSignal;
  /** who runs, for a person who finds the lock */
  holder: string;
  /** the same text without a secret in it, for what is stored: a manifest tells what members said */
  hide: (text: string) => string;
}

export interface StepReport {
  status: StepStatus;
  reason: string;
  durationMs: number;
}

export interface ObjectsReport {
  total: number;
  /** the most frequent first; what is not in here is in the total */
  byResource: Readonly<Record<string, number>>;
  note?: string;
}

/** What a run has seen and done so far: the report is made of nothing else. */
export interface RunState {
  version: string;
  startedAt: Date;
  /** the time of now, by which the run's end is told */
  clock: () => Date;
  dryRun: boolean;
  cluster?: { name: string; id?: string };
  clusterStatus?: ClusterStatus;
  /** the members after the last change, where they were read again */
  membersAfter?: readonly Member[];
  problems: readonly string[];
  warnings: string[];
  steps: Partial<Record<StepName, StepReport>>;
  backup?: BackupFacts;
  /** backups of this cluster in the store, once old ones were pruned */
  backups?: number;
  compaction?: CompactionFacts;
  members: Map<string, MemberOutcome>;
  /** what fills the database, as the backup's manifest has it; where nobody looked inside, undefined */
  usage?: Usage;
  objects?: ObjectsReport;
  forecast?: Forecast;
  /** bytes by member's ID; those without a quota are left out */
  quotas: ReadonlyMap<string, number>;
  /** what is wrong with the environment, where that is what ended it */
  configuration?: readonly ConfigProblem[];
  /** whatever ended the run before its end */
  ended?: unknown;
}

/** A run of which nothing is known yet. */
export function newRunState(version: string, startedAt: Date): RunState {
  return {
    version,
    startedAt,
    clock: clockFrom(startedAt),
    dryRun: false,
    problems: [],
    warnings: [],
    steps: {},
    quotas: new Map(),
    members: new Map(),
  };
}
