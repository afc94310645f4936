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
  /** The same for backups of the same day, week or month. */
  period(at: Date, position: number): number;
}

const dayOf = (at: Date) => Math.floor(at.getTime() / DAY_MS);

const RULES: Rule[] = [
  { name: 'last', period: (_at, position) => position },
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
export function selectForRemoval(backups: readonly CatalogEntry[], { keep, now, own }: Retention): Selection {
  const isFuture = ({ at, name }: CatalogEntry): boolean => at.getTime() > now.getTime() && name !== own;
  const sorted = backups.toSorted(newestFirst);
  const dated = sorted.filter((backup) => !isFuture(backup));
  const counted = new Set(RULES.flatMap((rule) => keptBy(rule, keep[rule.name], dated)));
  const keepAll = RULES.every(({ name }) => keep[name] === 0);
  const remove = keepAll ? [] : dated.filter((backup) => !counted.has(backup) && backup.name !== own);
  return { remove: remove.toReversed(), counted, future: sorted.filter(isFuture) };
}

function keptBy(rule: Rule, limit: number, backups: readonly CatalogEntry[]): CatalogEntry[] {
  const kept: CatalogEntry[] = [];
  let lastPeriod: number | undefined;
  for (const [position, backup] of backups.entries()) {
    if (kept.length === limit) break;
    const current = rule.period(backup.at, position);
    const isOldest = position === backups.length - 1;
    if (current === lastPeriod && !isOldest) continue;
    lastPeriod = current;
    kept.push(backup);
  }
  return kept;
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
  return remnants.filter((remnant) =>
    selectForRemoval([...backups, remnant], retention).remove.includes(remnant),
  );
}
