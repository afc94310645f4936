import { randomInt } from 'node:crypto';
import { Failure } from '../errors.ts';
import { AT_ONCE, inParallel } from '../util/parallel.ts';
import {
  type ClusterIdentity,
  type IgnoredFile,
  problemOf,
  type StoredBackup,
  takeStock,
} from './inventory.ts';
import { type Keep, type Occasion, selectForRemoval, selectRemnants, type Selection } from './retention.ts';
import type { Store } from '../storage/store.ts';

/** What one run asks of a store at the most, however much is in it. */
export interface Limits {
  /** Backups that are looked at to be removed, and remnants; the rest is left to later runs. */
  removals: number;
  /** Backups that look like this cluster's and are none, before it is given up to find the ones to keep. */
  strangers: number;
}

export const LIMITS: Limits = { removals: 500, strangers: 1000 };

export interface Outdated {
  /** Proved to be this cluster's, each of them, and kept by no rule. */
  remove: StoredBackup[];
  /** Proved where a rule counts them; backups dated in the future are in here too. */
  kept: number;
  /** Dated after this run's clock: kept, and not counted by any rule. */
  future: string[];
  /** By name. What is neither removed nor counted by a rule was not looked into. */
  ignored: IgnoredFile[];
  /** How many more no rule keeps, which are left to later runs. */
  left: number;
}

/**
 * Finds the backups that no rule keeps, in one listing and a read for each manifest that matters: those of the backups
 * that the rules count, which a stranger must not take the place of, and those of the backups to be removed.
 * @throws Failure `backup` when the store cannot be listed, or holds too many strangers
 */
export async function findOutdated(
  store: Store,
  cluster: ClusterIdentity,
  keep: Keep,
  occasion: Occasion,
  { removals, strangers }: Limits = LIMITS,
): Promise<Outdated> {
  const stock = await takeStock(store);
  const judge = judgeOf(store, cluster);
  const known = new Set([occasion.own]); // it was read from end to end a moment ago
  let backups = stock.backups;
  let selection = selectForRemoval(backups, keep, occasion);
  for (;;) {
    const counted = new Set(selection.kept.filter(isCounted).map(({ name }) => name));
    const unknown = backups.filter(({ name }) => counted.has(name) && !known.has(name));
    if (unknown.length === 0) break;
    for (const { name } of await judge.proved(unknown)) known.add(name);
    if (judge.strangers.size > strangers) throw tooMany(store, cluster, judge.strangers, strangers);
    // A stranger's place goes to another backup. None is removed that was kept before.
    backups = backups.filter(({ name }) => !judge.strangers.has(name));
    selection = selectForRemoval(backups, keep, occasion);
  }
  const candidates = someOf(selection.remove, removals);
  const cutShort = { backups, remnants: someOf(stock.remnants, removals) };
  const remnants = selectRemnants(cutShort, keep, occasion);
  const remove = [...(await judge.proved(candidates)), ...(await judge.proved(remnants))];
  const ignored = new Map([
    ...stock.ignored.map(({ name, reason }) => [name, reason] as const),
    ...judge.strangers,
  ]);
  return {
    remove,
    kept: selection.kept.length,
    future: selection.future,
    ignored: [...ignored].map(([name, reason]) => ({ name, reason })).toSorted(byName),
    left: selection.remove.length - candidates.length,
  };
}

/** Tells this cluster's backups from strangers, and remembers those by their first file, with the reason. */
function judgeOf(store: Store, cluster: ClusterIdentity) {
  const strangers = new Map<string, string>();

  async function proved(backups: readonly StoredBackup[]): Promise<StoredBackup[]> {
    const problems = await inParallel(backups, AT_ONCE, (backup) => problemOf(store, backup, cluster));
    return backups.filter(({ name, files: [file = name] }, index) => {
      const problem = problems[index];
      if (problem !== undefined) strangers.set(file, problem);
      return problem === undefined;
    });
  }

  return { proved, strangers };
}

/** Whether a rule keeps it. Without any rule nothing is removed, so nothing needs to be looked into. */
const isCounted = ({ reasons }: Selection['kept'][number]): boolean =>
  reasons.some((reason) => reason !== 'future' && reason !== 'own' && reason !== 'no rule is set');

/**
 * In a row, but from anywhere: were it always the oldest, as many strangers among them would keep every later run from
 * getting any further.
 */
function someOf<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  const start = randomInt(all.length);
  return [...all.slice(start), ...all.slice(0, start)].slice(0, most);
}

function tooMany(
  store: Store,
  cluster: ClusterIdentity,
  strangers: ReadonlyMap<string, string>,
  limit: number,
): Failure {
  const [[name, reason] = ['', '']] = strangers;
  return new Failure(
    'backup',
    `nothing was deleted in ${store.location}: more than ${limit} of the backups there are none of ` +
      `${cluster.name} (${cluster.id}), say ${name}: ${reason}. Move away what is another's, or give this cluster a CLUSTER_NAME of its own`,
  );
}

const byName = (a: IgnoredFile, b: IgnoredFile): number => (a.name < b.name ? -1 : 1);
