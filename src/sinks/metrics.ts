import type { Registry } from 'prom-client';
import { OTHER } from '../bolt/usage/names.ts';
import type { Usage } from '../bolt/usage/types.ts';
import { STEP_NAMES, STEP_STATUSES } from '../plan/steps.ts';
import type { MemberReport, Sizes } from '../run/members.ts';
import type { Report } from '../run/report.ts';
import { gaugesOf, type Metric, type Value } from './gauges.ts';

/** Everything that a run tells Prometheus, in its conventions: base units, one label `cluster` on all. */
const METRICS: readonly Metric<Report>[] = [
  {
    name: 'last_run_timestamp_seconds',
    help: 'When the last run ended, whatever came of it.',
    values: (_, now) => [[now]],
  },
  {
    name: 'last_success_timestamp_seconds',
    help: 'When the last run ended that exited with 0.',
    values: ({ exitCode }, now) => [[exitCode === 0 ? now : undefined]],
  },
  {
    name: 'last_run_exit_code',
    help: 'Exit code of the last run.',
    values: ({ exitCode }) => [[exitCode]],
  },
  {
    name: 'run_duration_seconds',
    help: 'How long the last run took.',
    values: ({ durationMs }) => [[durationMs / 1000]],
  },
  {
    name: 'step_duration_seconds',
    help: 'How long each step of the last run took.',
    values: ({ steps }) => STEP_NAMES.map((step) => [steps[step].durationMs / 1000, { step }]),
  },
  {
    name: 'step_status',
    help: 'How each step of the last run ended: 1 for the status that it has, 0 for the others.',
    values: stepStatuses,
  },
  {
    name: 'backup_raw_bytes',
    help: 'Size of the last backup, decoded.',
    values: ({ backup }) => [[backup?.rawBytes]],
  },
  {
    name: 'backup_stored_bytes',
    help: 'Size of the last backup as it is stored.',
    values: ({ backup }) => [[backup?.storedBytes]],
  },
  {
    name: 'backup_revision',
    help: 'Revision of the last backup: every write up to it is in there.',
    values: ({ backup }) => [[backup?.revision]],
  },
  {
    name: 'backups',
    help: 'Backups of this cluster in the store.',
    values: ({ backups }) => [[backups]],
  },
  {
    name: 'compact_revision',
    help: 'Revision below which the history is gone.',
    values: ({ compaction }) => [[compaction?.to ?? compaction?.from]],
  },
  {
    name: 'member_db_size_bytes',
    help: "Size of the member's database file.",
    values: sizes('dbSize'),
  },
  {
    name: 'member_db_size_in_use_bytes',
    help: 'What of it is in use.',
    values: sizes('dbSizeInUse'),
  },
  {
    name: 'member_quota_bytes',
    help: 'Size at which the member raises NOSPACE.',
    values: eachMember(({ quotaBytes }) => quotaBytes),
  },
  {
    name: 'member_unavailable_seconds',
    help: 'How long the member did not answer while it was defragmented.',
    values: eachMember(({ unavailableSeconds = 0 }) => unavailableSeconds),
  },
  {
    name: 'reclaimed_bytes',
    help: 'What the last run gave back to the disks.',
    values: ({ reclaimedBytes }) => [[reclaimedBytes]],
  },
  {
    name: 'objects',
    help: 'Objects by resource; the smallest together as other.',
    values: ({ objects }) => (objects ? objectCounts(objects) : []),
  },
  {
    name: 'usage_bytes',
    help: 'Bytes of the values in the last backup by resource, live and history; the smallest together as other.',
    values: ({ usage }) => (usage ? usageBytes(usage) : []),
  },
  {
    name: 'quota_exhaustion_days',
    help: 'Days until the quota is reached, if it goes on as in the last nights; NaN where they do not tell.',
    values: ({ forecast }) => [[forecast && daysOf(forecast)]],
  },
  {
    name: 'build_info',
    help: 'The version that ran.',
    values: ({ version }) => [[1, { version }]],
  },
];

/**
 * The metrics of one run. What the run did not come to know is left out, so that whoever keeps the figures keeps those
 * of the last run that knew.
 */
export const metricsOf = (report: Report, cluster: string, now: Date): Registry =>
  gaugesOf(METRICS, report, cluster, now);

function stepStatuses({ steps }: Report): Value[] {
  return STEP_NAMES.flatMap((step) =>
    STEP_STATUSES.map((status): Value => [steps[step].status === status ? 1 : 0, { step, status }]),
  );
}

const labelOf = ({ name, id }: MemberReport): string => name || id;

function eachMember(valueOf: (member: MemberReport) => number | undefined): Metric<Report>['values'] {
  return ({ members }) => members.map((member) => [valueOf(member), { member: labelOf(member) }]);
}

function sizes(which: keyof Sizes): Metric<Report>['values'] {
  return ({ members }) =>
    members.flatMap((member): Value[] => [
      [member.before?.[which], { member: labelOf(member), when: 'before' }],
      [member.after?.[which], { member: labelOf(member), when: 'after' }],
    ]);
}

function objectCounts({ byResource, total }: NonNullable<Report['objects']>): Value[] {
  const largest = Object.entries(byResource); // the report names no more than 50: more would cost more than they tell
  const other = total - largest.reduce((sum, [, count]) => sum + count, 0);
  return [
    ...largest.map(([resource, count]): Value => [count, { resource }]),
    // Also where there is nothing at all: the figures of an earlier run must not stay.
    ...(other > 0 || total === 0 ? [[other, { resource: OTHER }] satisfies Value] : []),
  ];
}

/** No more than the manifest names: fifty, and the others together. */
function usageBytes({ resources }: Usage): Value[] {
  const nothing = { resource: OTHER, liveBytes: 0, historyBytes: 0 };
  // As above: an empty cluster is told as one.
  return (resources.length > 0 ? resources : [nothing]).flatMap(
    ({ resource, liveBytes, historyBytes }): Value[] => [
      [liveBytes, { resource, kind: 'live' }],
      [historyBytes, { resource, kind: 'history' }],
    ],
  );
}

/** Said also where there is none: the figure of an earlier run must not stay. */
function daysOf(forecast: NonNullable<Report['forecast']>): number {
  switch (forecast.kind) {
    case 'days':
      return forecast.days;
    case 'not-rising':
      return Number.POSITIVE_INFINITY;
    case 'unknown':
      return Number.NaN;
    default:
      return forecast satisfies never;
  }
}
