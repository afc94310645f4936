import type { Forecast } from '../../history/forecast.ts';
import { sizeText, timeText } from '../../util/format.ts';
import type { HistoryRun } from './runs.ts';

/** What the history knows, whatever it is printed as. */
export interface History {
  /** for a person */
  store: string;
  cluster: string;
  /** oldest first, those dated after now last; only so many as were asked for */
  nights: readonly HistoryRun[];
  /** complete backups in the store */
  backups: number;
  /** backups whose manifest cannot be used, and why */
  leftOut: readonly { name: string; problem: string }[];
  forecast: Forecast;
  /** what the forecast goes by */
  quotaBytes?: number;
}

const NUMBER = new Intl.NumberFormat('en-GB');

/** `12,300`. */
export const countText = (count: number): string => NUMBER.format(count);

/** `1 night`, `30 nights`. */
export const runsText = (count: number): string => `${countText(count)} ${count === 1 ? 'night' : 'nights'}`;

/** `9.3 s`, `2.5 min`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const speedText = (bytesPerSecond: number): string => `${sizeText(bytesPerSecond)}/s`;

export const quotaShare = ({ rawBytes, quotaBytes }: HistoryRun): string | undefined =>
  quotaBytes === undefined || quotaBytes <= 0 ? undefined : `${((rawBytes / quotaBytes) * 100).toFixed(1)} %`;

const or = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);

/** A night's figures as text, `-` for what is not known. */
export function cellsOf(night: HistoryRun) {
  return {
    time: timeText(new Date(night.time)),
    revision: String(night.revision),
    perDay: or(night.revisionsPerDay, countText),
    size: sizeText(night.rawBytes),
    inUse: or(night.inUseBytes, sizeText),
    ofQuota: quotaShare(night) ?? '-',
    stored: sizeText(night.storedBytes),
    took: or(night.seconds, durationText),
    speed: or(night.bytesPerSecond, speedText),
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
export function forecastText({ forecast, quotaBytes }: History): string {
  // The manifests of earlier versions did not tell.
  if (quotaBytes === undefined) return "no forecast: the newest backup's manifest names no quota";
  const rests = `by ${runsText(forecast.nights)}`;
  switch (forecast.kind) {
    case 'unknown':
      return `no forecast: ${forecast.why}`;
    case 'not-rising':
      return `no forecast: what is in use does not rise, or would not reach the quota of ${sizeText(quotaBytes)} within a year (${rests})`;
    case 'days':
      return `at the present pace of ${sizeText(forecast.bytesPerDay)} a day what is in use reaches the quota of ${sizeText(quotaBytes)} in ${forecast.days} days (${rests})`;
    default:
      return forecast satisfies never;
  }
}
