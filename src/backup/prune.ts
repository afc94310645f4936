import { randomInt } from 'node:crypto';
import { Failure, isFailure } from '../errors.ts';
import type { Store } from '../storage/store.ts';
import { AT_ONCE, inParallel } from '../util/parallel.ts';
import { type CatalogEntry, filesOf, incompleteBecause, isComplete, readCatalog } from './catalog.ts';
import { examineManifest, type Repository } from './examine.ts';
import { countedBy, type Retention, selectForRemoval, selectRemnants } from './retention.ts';

/** What one run asks of a store at the most, however much is in it. */
export interface Limits {
  /** Backups that are looked at to be removed, and remnants; the rest is left to later runs. */
  removals: number;
  /** Backups that look like this cluster's and are not, before it is given up to find the ones to keep. */
  foreign: number;
}

export const LIMITS: Limits = { removals: 500, foreign: 1000 };

export interface Outdated {
  /** Proved to be this cluster's, each of them, and kept by no rule. */
  remove: CatalogEntry[];
  /** Proved where a rule counts them; backups dated in the future are in here too. */
  kept: number;
  /** Dated after this run's clock: kept, and not counted by any rule. */
  future: string[];
  /**
   * What looks like a backup or a part of one, but is no whole backup of this cluster; by name. None of it is counted by
   * a rule, and of it only remnants of this cluster's own are removed. What is neither removed nor counted was not looked
   * into.
   */
  ignored: { name: string; reason: string }[];
  /** How many more no rule keeps, which are left to later runs. */
  left: number;
}

/**
 * Finds the backups that no rule keeps, in one listing and a read for each manifest that matters: those of the backups
 * that the rules count, whose places a foreign one must not take, and those of the backups to be removed.
 * @throws Failure `backup` when the store cannot be listed, or holds too many foreign backups
 */
export async function findOutdated(
  repository: Required<Repository>,
  retention: Retention,
  limits: Limits = LIMITS,
): Promise<Outdated> {
  const catalog = await readCatalog(repository.store);
  const search: Search = { repository, retention, limits, foreign: new Map() };
  const backups = await ourBackups(search, catalog.filter(isComplete));
  const selection = selectForRemoval(backups, retention);
  const candidates = someOf(selection.remove, limits.removals);
  const remnants = someOf(catalog.filter(isRemnant), limits.removals);
  const cleared = selectRemnants(backups, remnants, retention);
  const remove = [...(await oursAmong(search, candidates)), ...(await oursAmong(search, cleared))];
  return {
    remove,
    kept: backups.length - selection.remove.length,
    future: selection.future.map(({ name }) => name),
    ignored: ignoredIn(catalog, search),
    left: selection.remove.length - candidates.length,
  };
}

const isRemnant = ({ storedSize }: CatalogEntry): boolean => storedSize === undefined;

interface Search {
  repository: Required<Repository>;
  retention: Retention;
  limits: Limits;
  /** What was looked into and is not this cluster's, or not whole, and why. */
  foreign: Map<CatalogEntry, string>;
}

/** All but those that turn out to be no good until every backup that the rules count is proved to be this cluster's. */
async function ourBackups(
  search: Search,
  complete: readonly CatalogEntry[],
): Promise<readonly CatalogEntry[]> {
  const { retention, limits, foreign } = search;
  const proved = new Set<CatalogEntry>();
  // Its own was read from end to end a moment ago.
  const isUnproved = (entry: CatalogEntry) => !proved.has(entry) && entry.name !== retention.own;
  for (;;) {
    // A foreign one's place goes to another backup. None is removed that was kept before.
    const counted = countedBy(complete, retention, (entry) => foreign.has(entry));
    const unproved = [...counted].filter(isUnproved);
    if (unproved.length === 0) return complete.filter((entry) => !foreign.has(entry));
    for (const entry of await oursAmong(search, unproved)) proved.add(entry);
    if (foreign.size > limits.foreign) throw tooManyForeign(search);
  }
}

/** Looks into the manifests, and remembers which of the backups are foreign. */
async function oursAmong(
  { repository, foreign }: Search,
  entries: readonly CatalogEntry[],
): Promise<CatalogEntry[]> {
  await inParallel(entries, AT_ONCE, async (entry) => {
    const examined = await examineManifest(repository, entry);
    if (!examined.ok) foreign.set(entry, examined.problem);
  });
  return entries.filter((entry) => !foreign.has(entry));
}

/**
 * In a row, but from anywhere: were it always the oldest, as many foreign ones among them would keep every later run
 * from getting any further.
 */
function someOf<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  const start = randomInt(all.length);
  return [...all.slice(start), ...all.slice(0, start)].slice(0, most);
}

function ignoredIn(catalog: readonly CatalogEntry[], { foreign }: Search): Outdated['ignored'] {
  const ignored = catalog.flatMap((entry) => {
    const reason = foreign.get(entry) ?? incompleteBecause(entry);
    if (reason === undefined) return [];
    const [name = entry.name] = filesOf(entry);
    return [{ name, reason }];
  });
  return ignored.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function tooManyForeign({ repository, limits, foreign }: Search): Failure {
  const { store, cluster, clusterId } = repository;
  const [[entry, reason] = []] = foreign;
  return new Failure(
    'backup',
    `nothing was deleted in ${store.location}: more than ${limits.foreign} of the backups there are none of ` +
      `${cluster} (${clusterId}), say ${entry?.name}: ${reason}. Move away what is another's, or give this cluster a CLUSTER_NAME of its own`,
  );
}

export interface Pruned {
  /** Backups of which nothing is left. */
  removed: string[];
  /** Backups of which something could not be removed, with what the store said. */
  failures: { name: string; error: Failure }[];
}

/** Removes backups, a few at a time. One that cannot be removed does not keep the others. */
export async function prune(store: Store, backups: readonly CatalogEntry[]): Promise<Pruned> {
  const pruned: Pruned = { removed: [], failures: [] };
  await inParallel(backups, AT_ONCE, async (entry) => {
    const error = await removeAll(store, filesOf(entry));
    if (error === undefined) pruned.removed.push(entry.name);
    else pruned.failures.push({ name: entry.name, error });
  });
  return pruned;
}

/** In order, and no further after a failure: a data file must never lose the manifest that proves whose it is. */
async function removeAll(store: Store, files: readonly string[]): Promise<Failure | undefined> {
  try {
    for (const file of files) await store.remove(file);
    return undefined;
  } catch (error) {
    if (isFailure(error, 'backup')) return error;
    throw error;
  }
}
