import { DAY_MS } from '../util/time.ts';
import type { PastManifest } from './read.ts';
import { restartBetween, type Standing, standingOf } from './restarts.ts';

/** What one run's backup tells of the database. */
export interface PastRun extends Standing {
  /** bytes of the database that are in use */
  inUse: number;
}

/** When the quota will be reached. `nights`, as reports and `history -o json` call it, is on how many runs that rests. */
export type Forecast =
  | { kind: 'days'; days: number; bytesPerDay: number; nights: number }
  | { kind: 'not-rising'; bytesPerDay: number; nights: number }
  | { kind: 'unknown'; why: string; nights: number };

/** A forecast looks back no further: a store of thousands of backups must not cost thousands of requests. */
export const FORECAST_RUNS = 60;

/** Fewer say more of chance than of a trend. */
const MIN_RUNS = 5;
const MIN_DAYS = 3;
/** Runs longer ago say little of the next ones. */
const MAX_DAYS = 30;
/** Beyond it nobody would act, and the figure would be noise. */
const MAX_FORECAST_DAYS = 365;

/**
 * Days until what is in use reaches the quota, by the median of the slopes between all pairs of runs (Theil and Sen):
 * one odd run does not move it. Only the last unbroken stretch of runs counts, and none that is dated after now.
 */
export function forecast(runs: readonly PastRun[], quotaBytes: number | undefined, now: number): Forecast {
  const counted = lastStretch(runs.filter(({ at }) => at <= now));
  const first = counted[0];
  const last = counted.at(-1);
  const unknown = (why: string): Forecast => ({ kind: 'unknown', why, nights: counted.length });
  if (quotaBytes === undefined) return unknown('no quota of the members is known');
  if (first === undefined || last === undefined || counted.length < MIN_RUNS) {
    return unknown(`it takes ${MIN_RUNS} nights, and there are ${counted.length}`);
  }
  if (last.at - first.at < MIN_DAYS * DAY_MS)
    return unknown(`the nights lie within less than ${MIN_DAYS} days`);
  const slopes = slopesOf(counted);
  const bytesPerDay = Math.round(median(slopes));
  const rising = slopes.filter((slope) => slope > 0).length / slopes.length;
  const days = (quotaBytes - last.inUse) / bytesPerDay;
  // A trend is one when most pairs of runs agree on it.
  if (bytesPerDay <= 0 || rising < 2 / 3 || days > MAX_FORECAST_DAYS) {
    return { kind: 'not-rising', bytesPerDay, nights: counted.length };
  }
  return { kind: 'days', days: Math.max(0, round(days)), bytesPerDay, nights: counted.length };
}

/**
 * The latest runs, oldest first, back to the first break: a cluster that was restored, a clock that jumped, or a run
 * too long ago.
 */
function lastStretch(runs: readonly PastRun[]): PastRun[] {
  const newestFirst = runs.toSorted((a, b) => b.at - a.at);
  const stretch: PastRun[] = [];
  for (const run of newestFirst) {
    const later = stretch.at(-1);
    const newest = stretch[0] ?? run;
    if (later !== undefined && restartBetween(run, later) !== undefined) break;
    if (newest.at - run.at > MAX_DAYS * DAY_MS) break;
    // Two runs at one moment have no slope between them.
    if (later === undefined || run.at < later.at) stretch.push(run);
  }
  return stretch.toReversed();
}

/** What a backup tells, none where its manifest is of a time when that was not noted. */
export function pastRunOf(manifest: PastManifest): PastRun[] {
  const { database } = manifest;
  return database === undefined ? [] : [{ ...standingOf(manifest), inUse: database.inUse }];
}

/** Bytes a day between every two runs. */
function slopesOf(runs: readonly PastRun[]): number[] {
  return runs.flatMap((from, index) =>
    runs.slice(index + 1).map((to) => ((to.inUse - from.inUse) / (to.at - from.at)) * DAY_MS),
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

const round = (days: number): number => Math.round(days * 10) / 10;
