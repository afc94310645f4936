import { type Config, loadConfig } from '../config/config.ts';
import { discover } from '../etcd/cluster/discover.ts';
import { inspect } from '../etcd/cluster/inspect.ts';
import type { ClusterStatus } from '../etcd/types.ts';
import { judge } from '../plan/plan.ts';
import type { CommandContext } from './context.ts';
import type { InvocationOf } from './arguments.ts';
import { type Intention, isWell, type Status, statusOf } from './status-report.ts';
import { json, sizeText, table } from '../util/format.ts';

/** A run's first three steps, and what they say. @returns the exit code */
export async function showStatus(
  { json: asJson }: InvocationOf<'status'>,
  { env, print, note, signal }: CommandContext,
): Promise<number> {
  const config = loadConfig(env);
  const view = await look(config, signal);
  const status = statusOf(view, judge(view, config), config);
  for (const warning of config.warnings) note(`warning: ${warning}\n`);
  if (asJson) print(json(status));
  else print(tableOf(status));
  return isWell(status) ? 0 : 5;
}

async function look({ etcd, consistencyCheck }: Config, signal: AbortSignal): Promise<ClusterStatus> {
  const cluster = await discover(etcd, signal);
  try {
    return await inspect(cluster, consistencyCheck);
  } finally {
    cluster.close();
  }
}

function tableOf(status: Status): string {
  const { cluster, members, steps, problems, warnings, alarms } = status;
  const compacted = status.compactRevision ?? 'unknown';
  return [
    `cluster ${cluster.name}, revision ${status.revision}, compacted at ${compacted}, data ${status.consistency}\n`,
    table([MEMBERS_HEAD, ...members.map(memberRow)]),
    table([STEPS_HEAD, ...Object.entries(steps).flatMap((step) => stepRows(step, members))]),
    [
      ...problems.map((problem) => `PROBLEM  ${problem}\n`),
      ...alarms.map(({ type, member }) => `ALARM    ${type} at ${member}\n`),
      ...warnings.map((warning) => `warning  ${warning}\n`),
    ].join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const MEMBERS_HEAD = ['MEMBER', 'ROLE', 'VERSION', 'SIZE', 'IN USE', 'FRAGMENTED', 'QUOTA', 'OF QUOTA'];
const STEPS_HEAD = ['STEP', 'A RUN WOULD', 'WHY'];

const memberRow = (member: Status['members'][number]): string[] => [
  member.name || member.id,
  member.role,
  member.version ?? '-',
  member.dbSize === undefined ? '-' : sizeText(member.dbSize),
  member.dbSizeInUse === undefined ? '-' : sizeText(member.dbSizeInUse),
  percent(member.fragmentation),
  quotaText(member.quota),
  percent(member.quotaUsage),
];

/** Under the step of defragmentation its members, at the sizes of now: a compaction comes before it. */
function stepRows([name, { would, reason }]: [string, Intention], members: Status['members']): string[][] {
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

const percent = (ratio: number | undefined): string =>
  ratio === undefined ? '-' : `${Math.floor(ratio * 1000) / 10} %`;

function quotaText(quota: Status['members'][number]['quota']): string {
  if (quota.kind === 'none') return 'none';
  return `${sizeText(quota.bytes)}${quota.kind === 'assumed' ? ' (assumed)' : ''}`;
}
