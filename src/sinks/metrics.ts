import { Gauge, Registry } from 'prom-client';
import { STEP_NAMES, STEP_STATUSES } from '../plan/steps.ts';
import type { Sizes } from '../run/members.ts';
import type { Report } from '../run/report.ts';

/**
 * The figures of one run, as Prometheus names such things: base units, one label `cluster` on all. What the run did not
 * come to know is left out, so that whoever keeps the figures keeps those of the last run that knew.
 */
export function metricsOf(report: Report, cluster: string, now: Date): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ cluster });

  /** A series for each of the values that there are; no metric at all without any. */
  function gauge(name: string, help: string, values: readonly Value[]): void {
    const known = values.filter(([value]) => value !== undefined);
    if (known.length === 0) return;
    const labelNames = Object.keys(known[0]?.[1] ?? {});
    const metric = new Gauge({ name: `etcd_upkeep_${name}`, help, labelNames, registers: [registry] });
    for (const [value = 0, labels = {}] of known) metric.set(labels, value);
  }

  const { backup, compaction, forecast, members, objects, steps } = report;
  const seconds = now.getTime() / 1000;
  gauge('last_run_timestamp_seconds', 'When the last run ended, whatever came of it.', [[seconds]]);
  gauge('last_success_timestamp_seconds', 'When the last run ended that exited with 0.', [
    [report.exitCode === 0 ? seconds : undefined],
  ]);
  gauge('last_run_exit_code', 'Exit code of the last run.', [[report.exitCode]]);
  gauge('run_duration_seconds', 'How long the last run took.', [[report.durationMs / 1000]]);
  gauge(
    'step_duration_seconds',
    'How long each step of the last run took.',
    STEP_NAMES.map((step) => [steps[step].durationMs / 1000, { step }]),
  );
  gauge(
    'step_status',
    'How each step of the last run ended: 1 for the status that it has, 0 for the others.',
    STEP_NAMES.flatMap((step) =>
      STEP_STATUSES.map((status): Value => [steps[step].status === status ? 1 : 0, { step, status }]),
    ),
  );
  gauge('backup_raw_bytes', 'Size of the last backup, decoded.', [[backup?.rawBytes]]);
  gauge('backup_stored_bytes', 'Size of the last backup as it is stored.', [[backup?.storedBytes]]);
  gauge('backup_revision', 'Revision of the last backup: every write up to it is in there.', [
    [backup?.revision],
  ]);
  gauge('backups', 'Backups of this cluster in the store.', [[report.backups]]);
  gauge('compact_revision', 'Revision below which the history is gone.', [
    [compaction?.to ?? compaction?.from],
  ]);
  const sizes = (which: keyof Sizes): Value[] =>
    members.flatMap(({ name, id, before, after }) => {
      const member = name || id;
      return [
        [before?.[which], { member, when: 'before' }],
        [after?.[which], { member, when: 'after' }],
      ] satisfies Value[];
    });
  gauge('member_db_size_bytes', "Size of the member's database file.", sizes('dbSize'));
  gauge('member_db_size_in_use_bytes', 'What of it is in use.', sizes('dbSizeInUse'));
  const each = (valueOf: (member: Report['members'][number]) => number | undefined): Value[] =>
    members.map((member) => [valueOf(member), { member: member.name || member.id }]);
  gauge(
    'member_quota_bytes',
    'Size at which the member raises NOSPACE.',
    each(({ quotaBytes }) => quotaBytes),
  );
  gauge(
    'member_unavailable_seconds',
    'How long the member did not answer while it was defragmented.',
    each(({ unavailableSeconds = 0 }) => unavailableSeconds),
  );
  gauge('reclaimed_bytes', 'What the last run gave back to the disks.', [[report.reclaimedBytes]]);
  gauge(
    'objects',
    'Objects by resource; the smallest together as other.',
    objects ? objectValues(objects) : [],
  );
  gauge(
    'quota_exhaustion_days',
    'Days until the quota is reached, if it goes on as in the last nights; NaN where they do not tell.',
    [[forecast && daysOf(forecast)]],
  );
  gauge('build_info', 'The version that ran.', [[1, { version: report.version }]]);
  return registry;
}

/** Told also where it is nothing: the figure of an earlier night must not stay. */
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

type Value = [value: number | undefined, labels?: Record<string, string>];

function objectValues({ byResource, total }: NonNullable<Report['objects']>): Value[] {
  const largest = Object.entries(byResource); // the report names no more than 50: more would cost more than they tell
  const other = total - largest.reduce((sum, [, count]) => sum + count, 0);
  return [
    ...largest.map(([resource, count]): Value => [count, { resource }]),
    // Also where there is nothing at all: the figures of an earlier night must not stay.
    ...(other > 0 || total === 0 ? [[other, { resource: 'other' }] satisfies Value] : []),
  ];
}
