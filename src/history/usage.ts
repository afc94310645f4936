import { sizeOf } from '../bolt/usage/figures.ts';
import { OTHER } from '../bolt/usage/names.ts';
import type { UsageFigures } from '../bolt/usage/types.ts';
import type { HistoryRun } from './runs.ts';

/** What one resource took up in each run; undefined where the run's backup was not looked into. */
export interface Filling {
  resource: string;
  live: readonly (number | undefined)[];
  history: readonly (number | undefined)[];
}

/** The resource that takes most, and how it came to that over the runs that lead there. */
export interface Largest {
  resource: string;
  bytes: number;
  historyBytes: number;
  /** since the first run that it can be compared with; missing where there is none */
  growth?: { bytes: number; nights: number };
}

/**
 * The resources that took most in any of the runs, at most `named` of them, and all others together: none where no run
 * tells of them.
 */
export function fillingsOf(runs: readonly HistoryRun[], named: number): Filling[] {
  const most = new Map<string, number>();
  for (const { resource, ...figures } of runs.flatMap(({ usage }) => usage?.resources ?? []))
    most.set(resource, Math.max(most.get(resource) ?? 0, sizeOf(figures)));
  most.delete(OTHER);
  const chosen = [...most]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, named)
    .map(([resource]) => resource);
  const fillings = chosen.map((resource) => fillingOf(runs, resource, (name) => name === resource));
  const others = fillingOf(runs, OTHER, (name) => !chosen.includes(name));
  const isAny = [...others.live, ...others.history].some((bytes = 0) => bytes > 0);
  return isAny ? [...fillings, others] : fillings;
}

function fillingOf(
  runs: readonly HistoryRun[],
  resource: string,
  isIn: (resource: string) => boolean,
): Filling {
  const sumOf = (pick: (figures: UsageFigures) => number) =>
    runs.map(({ usage }) =>
      usage?.resources.reduce((sum, each) => sum + (isIn(each.resource) ? pick(each) : 0), 0),
    );
  return {
    resource,
    live: sumOf(({ liveBytes }) => liveBytes),
    history: sumOf(({ historyBytes }) => historyBytes),
  };
}

/** Of the newest run that tells; undefined where none does, or where nothing has a name. */
export function largestOf(runs: readonly HistoryRun[]): Largest | undefined {
  const at = runs.findLastIndex(({ usage, future }) => usage !== undefined && !future);
  const [largest] = (runs[at]?.usage?.resources ?? [])
    .filter(({ resource }) => resource !== OTHER)
    .toSorted((a, b) => sizeOf(b) - sizeOf(a));
  if (largest === undefined) return undefined;
  const { resource, historyBytes } = largest;
  const bytes = sizeOf(largest);
  const since = runs.findLastIndex(({ restart }, index) => index <= at && restart !== undefined);
  const from = runs.findIndex(({ usage }, index) => index >= since && usage !== undefined);
  if (from === at) return { resource, bytes, historyBytes };
  const then = runs[from]?.usage?.resources.find((each) => each.resource === resource);
  const growth = { bytes: bytes - (then === undefined ? 0 : sizeOf(then)), nights: at - from };
  return { resource, bytes, historyBytes, growth };
}
