import { compare, median } from './pairs.ts';

/** What, the job's figure, the peers' figure, the ratio with its spread, and both figures for a GiB of raw database. */
export type Row = [what: string, ours: string, theirs: string, ratio: string, perGib: string];

export const figure = (what: string, ours: string): Row => [what, ours, '', '', ''];

/** Seconds of the job alone, for so many bytes. */
export function alone(what: string, seconds: readonly number[], bytes: number): Row {
  const middle = median(seconds);
  return [what, secondsText(middle), '', '', secondsText(perGib(middle, bytes))];
}

/** The medians of seconds that were taken in pairs, and of their ratios. */
export function comparison(
  what: string,
  ours: readonly number[],
  theirs: readonly number[],
  bytes?: number,
): Row {
  const found = compare(ours, theirs);
  const [lowest, ratio, highest] = [found.lowest, found.ratio, found.highest].map((one) => one.toFixed(2));
  const each =
    bytes === undefined
      ? ''
      : [found.ours, found.theirs].map((one) => secondsText(perGib(one, bytes))).join(' / ');
  return [
    what,
    secondsText(found.ours),
    secondsText(found.theirs),
    `${ratio} (${lowest} to ${highest})`,
    each,
  ];
}

export const table = (rows: readonly Row[]): string =>
  [
    '| what | etcd-upkeep | the others | ratio (lowest to highest) | a GiB |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');

const perGib = (seconds: number, bytes: number): number => seconds / (bytes / 2 ** 30);

export const secondsText = (seconds: number): string => `${seconds.toFixed(2)} s`;

export function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? 'not measured' : `${Math.round(bytes / 2 ** 20)} MiB`;
}
