import type { KeepPolicy } from '../config/config.ts';
import { type CatalogEntry, newestFirst } from './catalog.ts';
import { DAY_MS } from '../util/time.ts';

/** The rules, and the run that applies them. Nothing here looks into the store. */
export interface Retention {
  /** How many to keep by each rule; all 0 keeps everything. */
  keep: KeepPolicy;
  /** The clock of this run. */
  now: Date;
  /** The backup that this run made. */
  own: string;
}

export interface Selection {
  /** Oldest first. */
  remove: CatalogEntry[];
  /** Those that a rule keeps. */
  counted: ReadonlySet<CatalogEntry>;
  /** Dated after this run's clock, newest first: kept, and not counted by any rule. */
  future: CatalogEntry[];
}

interface Rule {
  name: keyof KeepPolicy;
  /** The same for backups of the same day, week or month; NaN, which is never the same, where each counts by itself. */
  period(at: Date): number;
}

const dayOf = (at: Date) => Math.floor(at.getTime() / DAY_MS);

const RULES: Rule[] = [
  { name: 'last', period: () => Number.NaN },
  { name: 'daily', period: dayOf },
  // Weeks run from Monday to Sunday, also over New Year, as ISO weeks do. Day 0 (1 January 1970) was a Thursday.
  { name: 'weekly', period: (at) => Math.floor((dayOf(at) + 3) / 7) },
  { name: 'monthly', period: (at) => at.getUTCFullYear() * 12 + at.getUTCMonth() },
];

/**
 * Which backups the rules let go, in restic's meaning: `daily: 7` keeps the newest backup of each of the last seven
 * days that have one, and so for weeks and months; a rule that has not found enough keeps the oldest backup too; what
 * any rule keeps stays. Days begin at midnight UTC.
 *
 * A backup's time is the one in its name: the pattern proves it, everyone sees it, and no rewritten manifest can move
 * it. What is dated after `now` stays and takes nobody's place, so that a clock that was once ahead does not push out
 * backups of real days; with a clock that is behind, it is the newer ones that stay like this. Since rules count
 * backups and not time gone by, no clock, however wrong, makes a run remove all at once. `own` always stays.
 */
export function selectForRemoval(backups: readonly CatalogEntry[], retention: Retention): Selection {
  const sorted = backups.toSorted(newestFirst);
  const counted = countedBy(sorted, retention);
  const goes = (backup: CatalogEntry): boolean =>
    !counted.has(backup) && backup.name !== retention.own && !isFuture(backup, retention);
  return {
    remove: keepsAll(retention) ? [] : sorted.filter(goes).toReversed(),
    counted,
    future: sorted.filter((backup) => isFuture(backup, retention)),
  };
}

/**
 * Those that a rule keeps, of backups that are sorted newest first and not left out. Without a copy of them: there may be
 * tens of thousands, and whoever finds out one by one which are to be left out asks a thousand times.
 */
export function countedBy(
  sorted: readonly CatalogEntry[],
  retention: Retention,
  isLeftOut: (backup: CatalogEntry) => boolean = () => false,
): ReadonlySet<CatalogEntry> {
  const counts = (backup: CatalogEntry): boolean => !isFuture(backup, retention) && !isLeftOut(backup);
  return new Set(RULES.flatMap((rule) => keptBy(rule, retention.keep[rule.name], sorted, counts)));
}

const keepsAll = ({ keep }: Retention): boolean => RULES.every(({ name }) => keep[name] === 0);

const isFuture = ({ at, name }: CatalogEntry, { now, own }: Retention): boolean =>
  at.getTime() > now.getTime() && name !== own;

function keptBy(rule: Rule, limit: number, sorted: readonly CatalogEntry[], counts: Counts): CatalogEntry[] {
  const kept = newestOfPeriods(rule, limit, sorted, counts);
  if (kept.length === limit) return kept;
  const oldest = sorted.findLast(counts);
  return oldest === undefined || kept.at(-1) === oldest ? kept : [...kept, oldest];
}

/** Whether a rule may count it. */
type Counts = (backup: CatalogEntry) => boolean;

/** The newest of each of the last `limit` periods that have one. */
function newestOfPeriods(
  rule: Rule,
  limit: number,
  sorted: readonly CatalogEntry[],
  counts: Counts,
): CatalogEntry[] {
  const found: CatalogEntry[] = [];
  let last: number | undefined;
  for (const backup of sorted) {
    if (found.length === limit) break;
    if (!counts(backup)) continue;
    const period = rule.period(backup.at);
    if (period === last) continue;
    last = period;
    found.push(backup);
  }
  return found;
}

/**
 * Which remnants of backups (manifests whose data is gone) to clear away: those whose backup the rules would let go.
 * One by one, so that a backup that is gone takes no place from one that is there; and a manifest whose data file
 * somebody moved away, while the rules keep it, stays.
 */
export function selectRemnants(
  backups: readonly CatalogEntry[],
  remnants: readonly CatalogEntry[],
  retention: Retention,
): CatalogEntry[] {
  if (keepsAll(retention)) return [];
  const sorted = backups.toSorted(newestFirst);
  const counts = (backup: CatalogEntry): boolean => !isFuture(backup, retention);
  // Once for all remnants: there may be as many of them as backups.
  const rules = RULES.map((rule) => {
    const limit = retention.keep[rule.name];
    return { rule, limit, found: newestOfPeriods(rule, limit, sorted, counts) };
  });
  const oldest = sorted.findLast(counts);
  return remnants.filter((remnant) => {
    if (isFuture(remnant, retention) || remnant.name === retention.own) return false;
    const isOldest = oldest === undefined || newestFirst(remnant, oldest) > 0;
    return !rules.some(({ rule, limit, found }) => {
      const newer = found.filter((backup) => newestFirst(backup, remnant) < 0);
      if (newer.length === limit) return false;
      const before = newer.at(-1);
      return isOldest || before === undefined || rule.period(before.at) !== rule.period(remnant.at);
    });
  });
}
