import { DAY_MS, HOUR_MS } from '../util/time.ts';
import type { PastManifest, PastUsage } from './read.ts';
import { restartBetween, standingOf } from './restarts.ts';

/** One run as the manifest of its backup tells of it. What cannot be known honestly is left out rather than guessed. */
export interface HistoryRun {
  name: string;
  /** RFC 3339 in UTC, when the backup was started */
  time: string;
  revision: number;
  /** since the run before; left out where the two cannot be compared */
  revisionsSince?: number;
  /** the same by the day; left out too where they are less than an hour apart */
  revisionsPerDay?: number;
  keys: number;
  /** bytes of the database file, which is what the quota counts */
  rawBytes: number;
  inUseBytes?: number;
  quotaBytes?: number;
  storedBytes: number;
  /** what fills the database; left out where the backup was not looked into */
  usage?: PastUsage;
  /** until it was read back and proved */
  seconds?: number;
  /** raw bytes over those seconds */
  bytesPerSecond?: number;
  /** what was wrong with the cluster */
  problems: readonly string[];
  /** days since the run before, where they are more than usual */
  gapDays?: number;
  /** why nothing leads here from the run before */
  restart?: string;
  /** what is wrong with the time */
  clock?: string;
  /** dated after now: its place among the others is not known */
  future?: true;
}

/** A nightly run comes a little later on some days, and once a year an hour later. */
const MIN_GAP_MS = 26 * HOUR_MS;
/** So much longer than the intervals around it. */
const GAP_RATIO = 1.5;
/** Intervals on each side. */
const AROUND = 3;
/** No backup takes so long: somebody set the clock. */
const MAX_SECONDS = 24 * 60 * 60;

/** The runs that the manifests tell of, oldest first; those dated after now (milliseconds since 1970) come last. */
export function runsOf(manifests: readonly PastManifest[], now: number): HistoryRun[] {
  const sorted = manifests.toSorted((a, b) => atOf(a) - atOf(b) || a.revision - b.revision);
  const past = sorted.filter((manifest) => atOf(manifest) <= now);
  const intervals = past.slice(1).map((manifest, index) => atOf(manifest) - atOf(past[index] ?? manifest));
  return [
    ...past.map((manifest, index) => ({
      ...alone(manifest),
      ...since(manifest, past[index - 1], usualAround(intervals, index - 1)),
    })),
    ...sorted.slice(past.length).map((manifest) => ({
      ...alone(manifest),
      clock: 'dated after now: a clock was wrong',
      future: true as const,
    })),
  ];
}

const atOf = ({ startedAt }: PastManifest): number => Date.parse(startedAt);

function alone(manifest: PastManifest): HistoryRun {
  const { name, startedAt, revision, keys, raw, stored, database, usage, problems } = manifest;
  const seconds = (Date.parse(manifest.finishedAt) - atOf(manifest)) / 1000;
  const possible = seconds >= 0 && seconds <= MAX_SECONDS;
  return {
    name,
    time: startedAt,
    revision,
    keys,
    rawBytes: raw.size,
    ...(database && { inUseBytes: database.inUse }),
    ...(database?.quota !== undefined && { quotaBytes: database.quota }),
    storedBytes: stored.size,
    ...(usage && { usage }),
    ...(possible && { seconds }),
    ...(possible && seconds > 0 && { bytesPerSecond: Math.round(raw.size / seconds) }),
    problems,
    ...(!possible && { clock: 'the clock was set while the backup was taken' }),
  };
}

/** What changed since the run before. */
function since(
  run: PastManifest,
  before: PastManifest | undefined,
  usualMs: number | undefined,
): Partial<HistoryRun> {
  if (before === undefined) return {};
  const interval = atOf(run) - atOf(before);
  const isGap = usualMs !== undefined && interval > Math.max(MIN_GAP_MS, usualMs * GAP_RATIO);
  const gap = isGap ? { gapDays: Math.round((interval / DAY_MS) * 10) / 10 } : {};
  const restart = restartBetween(standingOf(before), standingOf(run));
  if (restart !== undefined) return { ...gap, restart };
  const revisionsSince = run.revision - before.revision;
  const perDay = Math.round((revisionsSince / interval) * DAY_MS);
  return { ...gap, revisionsSince, ...(interval >= HOUR_MS && { revisionsPerDay: perDay }) };
}

/**
 * The longer of the medians of the intervals before one and of those after it: where older backups were thinned out, to
 * one a week, say, the weeks are usual on one side. Undefined where there are no others.
 */
function usualAround(intervals: readonly number[], index: number): number | undefined {
  const before = medianOf(intervals.slice(Math.max(0, index - AROUND), Math.max(0, index)));
  const after = medianOf(intervals.slice(index + 1, index + 1 + AROUND));
  return before === undefined ? after : Math.max(before, after ?? 0);
}

/** The upper one of an even number; undefined of none. */
export function medianOf(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** What has to be said of a run beside its figures. */
export function notesOf({ gapDays, restart, clock, problems }: HistoryRun): string[] {
  return [
    ...(gapDays === undefined ? [] : [`${gapDays} days since the backup before`]),
    ...(restart === undefined ? [] : [restart]),
    ...(clock === undefined ? [] : [clock]),
    ...problems,
  ];
}
