import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRoundedPercent,
  formatTime,
} from '../../util/format.ts';
import type { HistoryRun } from '../../history/runs.ts';
import { largestOf } from '../../history/usage.ts';
import type { History } from './read.ts';

/** `1 night`, `30 nights`. */
export const formatRuns = (count: number): string =>
  `${formatCount(count)} ${count === 1 ? 'night' : 'nights'}`;

/** What fills the database most, as a sentence; undefined where no run tells. */
export function formatLargest(runs: readonly HistoryRun[]): string | undefined {
  const largest = largestOf(runs);
  if (largest === undefined) return undefined;
  const { resource, bytes, historyBytes, growth } = largest;
  const text = `largest: ${resource} ${formatBytes(bytes)}, ${formatBytes(historyBytes)} of it history`;
  if (growth === undefined) return text;
  const sign = growth.bytes < 0 ? '-' : '+';
  return `${text} (${sign}${formatBytes(Math.abs(growth.bytes))} in ${formatRuns(growth.nights)})`;
}

/** How much of the quota the file takes; undefined where there is none. */
export const quotaShare = ({ rawBytes, quotaBytes }: HistoryRun): string | undefined =>
  quotaBytes === undefined || quotaBytes <= 0 ? undefined : formatRoundedPercent(rawBytes / quotaBytes);

const orDash = (value: number | undefined, format: (value: number) => string): string =>
  value === undefined ? '-' : format(value);

/** A run's figures as text, `-` for what is not known. */
export function cellsOf(run: HistoryRun) {
  return {
    time: formatTime(new Date(run.time)),
    revision: String(run.revision),
    perDay: orDash(run.revisionsPerDay, formatCount),
    size: formatBytes(run.rawBytes),
    inUse: orDash(run.inUseBytes, formatBytes),
    ofQuota: quotaShare(run) ?? '-',
    stored: formatBytes(run.storedBytes),
    took: orDash(run.seconds, formatDuration),
    speed: orDash(run.bytesPerSecond, formatByteRate),
  };
}

export const HEADS: Record<keyof ReturnType<typeof cellsOf>, string> = {
  time: 'Time (UTC)',
  revision: 'Revision',
  perDay: 'Per day',
  size: 'Size',
  inUse: 'In use',
  ofQuota: 'Of quota',
  stored: 'Stored',
  took: 'Took',
  speed: 'Speed',
};

/** The forecast as a sentence. */
export function formatForecast({ forecast, quotaBytes }: History): string {
  // The manifests of earlier versions did not tell.
  if (quotaBytes === undefined) return "no forecast: the newest backup's manifest names no quota";
  const basis = `by ${formatRuns(forecast.nights)}`;
  switch (forecast.kind) {
    case 'unknown':
      return `no forecast: ${forecast.why}`;
    case 'not-rising':
      return `no forecast: what is in use does not rise, or would not reach the quota of ${formatBytes(quotaBytes)} within a year (${basis})`;
    case 'days':
      return `at the present pace of ${formatBytes(forecast.bytesPerDay)} a day what is in use reaches the quota of ${formatBytes(quotaBytes)} in ${forecast.days} days (${basis})`;
    default:
      return forecast satisfies never;
  }
}
