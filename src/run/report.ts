import type { ConfigProblem } from '../config/config.ts';
import { exitCodeOf, Interrupted, messageOf } from '../errors.ts';
import type { Forecast } from '../history/forecast.ts';
import { type ClusterStatus, type Member, votersOf } from '../etcd/types.ts';

export const STEPS = ['inspect', 'lock', 'backup', 'prune', 'compact', 'defragment', 'disarm'] as const;
export type StepName = (typeof STEPS)[number];

export interface StepReport {
  status: 'done' | 'skipped' | 'refused' | 'failed';
  reason: string;
  durationMs: number;
}

export type Outcome = 'ok' | 'nothing-needed' | 'partial' | 'failed' | 'busy' | 'aborted' | 'dry-run';

export interface BackupReport {
  name: string;
  store: string;
  revision: number;
  rawBytes: number;
  storedBytes: number;
  /** raw bytes of the stream until they were durable */
  megabytesPerSecond: number;
  streamSeconds: number;
  readBackSeconds: number;
}

export interface CompactionReport {
  from?: number;
  to?: number;
  target?: number;
  window: number;
  windowFrom: string;
}

export interface Sizes {
  dbSize: number;
  dbSizeInUse: number;
}

export interface MemberReport {
  name: string;
  id: string;
  version?: string;
  role: 'leader' | 'follower' | 'learner' | 'unknown';
  before?: Sizes;
  after?: Sizes;
  defragmented: boolean;
  reason: string;
  unavailableSeconds?: number;
  /** undefined where it has none */
  quotaBytes?: number;
  warning?: string;
}

export interface ObjectsReport {
  total: number;
  /** the most frequent first; what is not in here is in the total */
  byResource: Readonly<Record<string, number>>;
  note?: string;
}

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
  backup?: BackupReport;
  compaction?: CompactionReport;
  members: readonly MemberReport[];
  reclaimedBytes: number;
  /** of this cluster in the store, once old ones were pruned */
  backups?: number;
  objects?: ObjectsReport;
  forecast?: Forecast;
}

/** What a run has seen and done so far: the report is made of nothing else. */
export interface RunState {
  version: string;
  startedAt: Date;
  dryRun: boolean;
  cluster?: { name: string; id?: string };
  view?: ClusterStatus;
  /** the members after the last change, where they were read again */
  after?: readonly Member[];
  problems: readonly string[];
  warnings: string[];
  steps: Partial<Record<StepName, StepReport>>;
  backup?: BackupReport;
  compaction?: CompactionReport;
  backups?: number;
  objects?: ObjectsReport;
  forecast?: Forecast;
  /** bytes by member's ID; those without a quota are left out */
  quotas: ReadonlyMap<string, number>;
  members: Map<string, { defragmented: boolean; reason: string; unavailableSeconds?: number }>;
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
    dryRun: false,
    problems: [],
    warnings: [],
    steps: {},
    quotas: new Map(),
    members: new Map(),
  };
}

/** kubelet kills a kubeadm etcd that does not answer for about two minutes (15 s x 8). */
const LIVENESS_WARNING_SECONDS = 60;

export function reportOf(night: RunState, finishedAt: Date): Report {
  const exitCode = exitCodeFor(night);
  const members = (night.view?.members ?? []).map((member) => memberReport(member, night));
  return {
    outcome: outcomeOf(night, exitCode),
    exitCode,
    version: night.version,
    ...(night.cluster && { cluster: night.cluster.name }),
    ...(night.cluster?.id !== undefined && { clusterId: night.cluster.id }),
    startedAt: night.startedAt.toISOString(),
    durationMs: finishedAt.getTime() - night.startedAt.getTime(),
    ...(night.ended !== undefined && { error: messageOf(night.ended) }),
    problems: night.problems,
    warnings: [...night.warnings, ...members.flatMap((member) => member.warning ?? [])],
    ...(night.configuration && { configuration: night.configuration }),
    steps: stepsOf(night),
    ...(night.backup && { backup: night.backup }),
    ...(night.compaction && { compaction: night.compaction }),
    members,
    reclaimedBytes: members.reduce(
      (sum, { before, after }) =>
        sum + Math.max(0, (before?.dbSize ?? 0) - (after?.dbSize ?? before?.dbSize ?? 0)),
      0,
    ),
    ...(night.backups !== undefined && { backups: night.backups }),
    ...(night.objects && { objects: night.objects }),
    ...(night.forecast && { forecast: night.forecast }),
  };
}

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
      const changed = [steps.compact, steps.defragment, steps.disarm].some((step) => step?.status === 'done');
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
function stepsOf({ steps, ended }: RunState): Record<StepName, StepReport> {
  // The last one: a refused step before it ended nothing.
  const failed = STEPS.findLast(
    (name) => steps[name]?.status === 'failed' || steps[name]?.status === 'refused',
  );
  const why =
    ended === undefined
      ? 'not reached'
      : `not reached: the run ended ${failed ? `at ${failed}` : 'before it'}`;
  const of = (name: StepName): StepReport => steps[name] ?? { status: 'skipped', reason: why, durationMs: 0 };
  return {
    inspect: of('inspect'),
    lock: of('lock'),
    backup: of('backup'),
    prune: of('prune'),
    compact: of('compact'),
    defragment: of('defragment'),
    disarm: of('disarm'),
  };
}

function memberReport(member: Member, night: RunState): MemberReport {
  const after = night.after?.find((it) => it.id === member.id)?.status;
  const outcome = night.members.get(member.id);
  const seconds = outcome?.unavailableSeconds;
  const quotaBytes = night.quotas.get(member.id);
  return {
    name: member.name,
    id: member.id,
    ...(member.status && { version: member.status.version }),
    role: roleOf(member, night.view),
    ...(member.status && { before: sizesOf(member.status) }),
    ...(after && { after: sizesOf(after) }),
    defragmented: outcome?.defragmented ?? false,
    reason: outcome?.reason ?? member.problem ?? 'not reached',
    ...(quotaBytes !== undefined && { quotaBytes }),
    ...(seconds !== undefined && { unavailableSeconds: seconds }),
    ...(seconds !== undefined &&
      seconds > LIVENESS_WARNING_SECONDS && {
        warning: `${member.name} did not answer for ${seconds} s: kubelet's liveness probe of a kubeadm etcd (15 s x 8) would kill it at about two minutes`,
      }),
  };
}

const sizesOf = ({ dbSize, dbSizeInUse }: Sizes): Sizes => ({ dbSize, dbSizeInUse });

export function roleOf(member: Member, view: ClusterStatus | undefined): MemberReport['role'] {
  if (member.learner) return 'learner';
  if (member.id === view?.leaderId) return 'leader';
  return member.status && view && votersOf(view).includes(member) ? 'follower' : 'unknown';
}
