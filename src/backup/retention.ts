import type { StoredBackup, Stock } from './inventory.ts';

/** How many to keep by each rule; all 0 keeps everything. */
export interface Keep {
  last: number;
  daily: number;
  weekly: number;
  monthly: number;
}

export interface Occasion {
  /** The clock of this run. */
  now: Date;
  /** The backup that this run made. */
  own: string;
}

export interface Selection {
  /** Oldest first. */
  remove: StoredBackup[];
  /** Newest first. */
  kept: { name: string; reasons: string[] }[];
  /** Dated after this run's clock: kept, and not counted by any rule. */
  future: string[];
}

interface Rule {
  name: keyof Keep;
  /** The same for backups of the same day, week or month. */
  period(at: Date, position: number): number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const dayOf = (at: Date) => Math.floor(at.getTime() / DAY_MS);

const RULES: Rule[] = [
  { name: 'last', period: (_at, position) => position },
  { name: 'daily', period: dayOf },
  // Weeks run from Monday to Sunday, also over New Year, as ISO weeks do. Day 0 (1 January 1970) was a Thursday.
  { name: 'weekly', period: (at) => Math.floor((dayOf(at) + 3) / 7) },
  { name: 'monthly', period: (at) => at.getUTCFullYear() * 12 + at.getUTCMonth() },
];

/**
 * Which backups the policy lets go, in restic's meaning: `daily: 7` keeps the newest backup of each of the last seven
 * days that have one, and so for weeks and months; a rule that has not found enough keeps the oldest backup too; what
 * any rule keeps stays. Days begin at midnight UTC.
 *
 * A backup's time is the one in its name: the pattern proves it, everyone sees it, and no rewritten manifest can move
 * it. What is dated after `now` stays and takes nobody's place, so that a clock that was once ahead does not push out
 * backups of real days; with a clock that is behind, it is the newer ones that stay like this. Since rules count
 * backups and not time gone by, no clock, however wrong, makes a run remove all at once. `own` always stays.
 */
export function selectForRemoval(
  backups: readonly StoredBackup[],
  keep: Keep,
  { now, own }: Occasion,
): Selection {
  const newestFirst = backups.toSorted(byAge).toReversed();
  const isFuture = ({ at, name }: StoredBackup) => at.getTime() > now.getTime() && name !== own;
  const future = new Set(newestFirst.filter(isFuture).map(({ name }) => name));
  const counted = newestFirst.filter(({ name }) => !future.has(name));
  const keepAll = RULES.every(({ name }) => keep[name] === 0);
  const rules = RULES.map((rule) => ({ reason: rule.name, names: keptBy(rule, keep[rule.name], counted) }));

  function reasonsFor({ name }: StoredBackup): string[] {
    if (future.has(name)) return ['future'];
    const reasons: string[] = rules.filter(({ names }) => names.has(name)).map(({ reason }) => reason);
    if (name === own) reasons.push('own');
    if (keepAll) reasons.push('no rule is set');
    return reasons;
  }

  const judged = newestFirst.map((backup) => ({ backup, reasons: reasonsFor(backup) }));
  return {
    remove: judged
      .filter(({ reasons }) => reasons.length === 0)
      .map(({ backup }) => backup)
      .toReversed(),
    kept: judged
      .filter(({ reasons }) => reasons.length > 0)
      .map(({ backup, reasons }) => ({ name: backup.name, reasons })),
    future: [...future],
  };
}

/**
 * Which remnants of backups to clear away: those whose backup the policy would let go. One by one, so that a backup
 * that is gone takes no place from one that is there; and a manifest whose data file somebody moved away, while the
 * policy keeps it, stays.
 */
export function selectRemnants(
  { backups, remnants }: Pick<Stock, 'backups' | 'remnants'>,
  keep: Keep,
  occasion: Occasion,
): StoredBackup[] {
  return remnants.filter((remnant) =>
    selectForRemoval([...backups, remnant], keep, occasion).remove.includes(remnant),
  );
}

/** Oldest first; of two of the same second the one with the lower revision is the older. */
function byAge(a: StoredBackup, b: StoredBackup): number {
  return a.at.getTime() - b.at.getTime() || a.revision - b.revision || (a.name < b.name ? -1 : 1);
}

function keptBy(rule: Rule, limit: number, newestFirst: readonly StoredBackup[]): Set<string> {
  const kept = new Set<string>();
  let lastPeriod: number | undefined;
  for (const [position, { at, name }] of newestFirst.entries()) {
    if (kept.size === limit) break;
    const period = rule.period(at, position);
    const isOldest = position === newestFirst.length - 1;
    if (period === lastPeriod && !isOldest) continue;
    lastPeriod = period;
    kept.add(name);
  }
  return kept;
}
