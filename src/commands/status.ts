import { type Config, loadConfig } from '../config/config.ts';
import { discover } from '../etcd/cluster/discover.ts';
import { inspect } from '../etcd/cluster/inspect.ts';
import type { ClusterStatus } from '../etcd/types.ts';
import { judge } from '../plan/plan.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { isWell, type StepOutlook, type StatusReport, statusReportOf } from './status-report.ts';
import { formatBytes, formatPercent } from '../util/format.ts';
import { formatJson, formatTable, line } from './output.ts';

/** A run's first three steps, and what they say. @returns the exit code */
export async function showStatus(
  { json }: InvocationOf<'status'>,
  { env, print, note, signal }: CommandContext,
): Promise<number> {
  const config = loadConfig(env);
  const view = await inspectCluster(config, signal);
  const report = statusReportOf(view, judge(view, config), config);
  for (const warning of config.warnings) note(`warning: ${warning}\n`);
  if (json) print(formatJson(report));
  else print(formatReport(report));
  return isWell(report) ? 0 : 5;
}

async function inspectCluster(
  { etcd, consistencyCheck }: Config,
  signal: AbortSignal,
): Promise<ClusterStatus> {
  using client = await discover(etcd, signal);
  return await inspect(client, { consistencyCheck, evenOne: false });
}

function formatReport(report: StatusReport): string {
  const { cluster, members, steps, problems, warnings, alarms } = report;
  const compacted = report.compactRevision ?? 'unknown';
  return [
    line(
      `cluster ${cluster.name}, revision ${report.revision}, compacted at ${compacted}, data ${report.consistency}`,
    ),
    formatTable([MEMBERS_HEAD, ...members.map(memberRow)]),
    formatTable([STEPS_HEAD, ...Object.entries(steps).flatMap((step) => stepRows(step, members))]),
    [
      ...problems.map((problem) => line(`PROBLEM  ${problem}`)),
      ...alarms.map(({ type, member }) => line(`ALARM    ${type} at ${member}`)),
      ...warnings.map((warning) => line(`warning  ${warning}`)),
    ].join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const MEMBERS_HEAD = ['MEMBER', 'ROLE', 'VERSION', 'SIZE', 'IN USE', 'FRAGMENTED', 'QUOTA', 'OF QUOTA'];
const STEPS_HEAD = ['STEP', 'A RUN WOULD', 'WHY'];

const memberRow = (member: StatusReport['members'][number]): string[] => [
  member.name || member.id,
  member.role,
  member.version ?? '-',
  member.dbSize === undefined ? '-' : formatBytes(member.dbSize),
  member.dbSizeInUse === undefined ? '-' : formatBytes(member.dbSizeInUse),
  percentOf(member.fragmentation),
  quotaText(member.quota),
  percentOf(member.quotaUsage),
];

/** Under the step of defragmentation its members, at the sizes of now: a compaction comes before it. */
function stepRows(
  [name, { would, reason }]: [string, StepOutlook],
  members: StatusReport['members'],
): string[][] {
  const row = [name, would, reason];
  if (name !== 'defragment' || would !== 'do') return [row];
  return [
    row,
    ...members.map((member) => [
      `  ${member.name || member.id}`,
      member.defragment ? 'do' : 'skip',
      `now: ${member.reason}`,
    ]),
  ];
}

const percentOf = (ratio: number | undefined): string => (ratio === undefined ? '-' : formatPercent(ratio));

function quotaText(quota: StatusReport['members'][number]['quota']): string {
  if (quota.kind === 'none') return 'none';
  return `${formatBytes(quota.bytes)}${quota.kind === 'assumed' ? ' (assumed)' : ''}`;
}
