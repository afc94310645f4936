import { sizeOf } from '../bolt/usage/figures.ts';
import type { Usage } from '../bolt/usage/types.ts';
import { formatBytes, formatMebibytes, formatSeconds } from '../util/format.ts';
import { printable } from '../util/printable.ts';
import { alignedLines } from '../util/table.ts';
import type { MemberReport, Sizes } from './members.ts';
import type { Report } from './report.ts';
import type { ObjectsReport } from './state.ts';

/** The report for a person at a terminal. */
export function tableOf(report: Report): string {
  const rows = [
    [
      'MEMBER',
      'ROLE',
      'VERSION',
      'SIZE',
      'IN USE',
      'SIZE AFTER',
      'IN USE AFTER',
      'NO ANSWER',
      'DEFRAGMENTED',
    ],
    ...report.members.map(rowOf),
  ];
  return ['', ...alignedLines(rows), '', summaryOf(report), ''].join('\n');
}

function rowOf(member: MemberReport): string[] {
  const { before, after } = member;
  return [
    member.name || member.id,
    member.role,
    member.version ?? '-',
    size(before, 'dbSize'),
    size(before, 'dbSizeInUse'),
    size(after, 'dbSize'),
    size(after, 'dbSizeInUse'),
    member.unavailableSeconds === undefined ? '-' : `${member.unavailableSeconds} s`,
    member.defragmented ? 'yes' : `no: ${member.reason}`,
  ];
}

const size = (sizes: Sizes | undefined, which: keyof Sizes): string =>
  sizes === undefined ? '-' : formatMebibytes(sizes[which]);

function summaryOf(report: Report): string {
  const { outcome, exitCode, backup, reclaimedBytes, durationMs, usage, objects, forecast } = report;
  return [
    `${outcome} (exit code ${exitCode}) after ${formatSeconds(durationMs / 1000)}, ${formatMebibytes(reclaimedBytes)} reclaimed`,
    ...(backup ? [`backup ${backup.store}/${backup.name}`] : []),
    ...(usage ? [fillingOf(usage)] : []),
    ...(objects && objects.total > 0
      ? [
          `${objects.total} objects: ${largestOf(objects)}`,
          ...(objects.note === undefined ? [] : [objects.note]),
        ]
      : []),
    ...(forecast?.kind === 'days'
      ? [`the quota is reached in ${forecast.days} days at the pace of the last ${forecast.nights} nights`]
      : []),
    ...errorLines(report),
  ]
    .map(printable)
    .join('\n');
}

/** Only that of a wrong configuration has several lines, all of them ours. */
function errorLines({ error, configuration }: Report): string[] {
  if (error === undefined) return [];
  return configuration ? error.split('\n') : [error];
}

const LARGEST = 5;

const largestOf = ({ byResource }: ObjectsReport): string =>
  someOf(Object.entries(byResource).map(([name, count]) => `${count} ${name}`));

/** What fills it, in one line. */
function fillingOf({ total, resources }: Usage): string {
  const sizes = resources.map((each) => `${each.resource} ${formatBytes(sizeOf(each))}`);
  const all = `${formatBytes(sizeOf(total))} in values, ${formatBytes(total.historyBytes)} of them history`;
  return sizes.length === 0 ? all : `${all}: ${someOf(sizes)}`;
}

const someOf = (largest: readonly string[]): string =>
  `${largest.slice(0, LARGEST).join(', ')}${largest.length > LARGEST ? ', ...' : ''}`;
