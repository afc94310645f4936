import { median } from './measure.ts';

/** What, the job's figure, the peers' figure, the ratio. */
export type Row = [what: string, ours: string, theirs: string, ratio: string];

export const figure = (what: string, ours: string): Row => [what, ours, '', ''];

/** The medians of seconds that were taken in turn, and of their ratios. */
export function comparison(what: string, ours: readonly number[], theirs: readonly number[]): Row {
  const ratios = ours.map((value, index) => value / (theirs[index] ?? Number.NaN));
  return [what, secondsText(median(ours)), secondsText(median(theirs)), median(ratios).toFixed(2)];
}

export const secondsText = (seconds: number): string => `${seconds.toFixed(2)} s`;

export function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? 'not measured' : `${Math.round(bytes / 2 ** 20)} MiB`;
}
