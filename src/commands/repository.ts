import { type CatalogEntry, readCatalog } from '../backup/catalog.ts';
import { readManifest, type Repository } from '../backup/examine.ts';
import { findLatest, type PassedOver, type Stretch } from '../backup/latest.ts';
import type { Manifest } from '../backup/manifest.ts';
import { parseBackupName } from '../backup/names.ts';
import { clustersIn, openStore } from '../storage/open.ts';
import type { StoreSettings } from '../config/config.ts';
import { Failure, isFailure } from '../errors.ts';

/** So many backups are named; of more, only their number. */
const NAMED = 5;

/** One cluster's backups in a store, with the listing of them. */
export interface ListedRepository extends Repository {
  /** newest first; at least one */
  entries: readonly CatalogEntry[];
}

/** What there is; or, for a person, why there is nothing. */
export type RepositoryLookup =
  | { kind: 'repository'; repository: ListedRepository }
  | { kind: 'nothing'; why: string };

/**
 * Opens the store at the cluster that `CLUSTER_NAME` names, or at the only one that there is.
 * @throws Failure `configuration` where there are several, `backup` where it cannot be read; what the signal says
 */
export async function findRepository(
  { store: config, clusterName, clusterId }: StoreSettings,
  signal: AbortSignal,
): Promise<RepositoryLookup> {
  const cluster = clusterName ?? (await onlyCluster(config, signal));
  if (cluster === undefined) {
    const why = 'there is no backup of any cluster in the store: does BACKUP_STORE name the right place?';
    return { kind: 'nothing', why };
  }
  const store = await openStore(config, cluster, signal);
  const entries = await readCatalog(store);
  if (entries.length > 0) return { kind: 'repository', repository: { store, cluster, clusterId, entries } };
  const others = (await clustersIn(config, signal)).filter((name) => name !== cluster);
  const elsewhere = others.length === 0 ? 'nor of any other cluster' : `but folders of ${others.join(', ')}`;
  const why = `there is no backup in ${store.location}, ${elsewhere}: check BACKUP_STORE and CLUSTER_NAME`;
  return { kind: 'nothing', why };
}

/** The same for whoever cannot do without. @throws Failure `backup` where there is nothing, too */
export async function openRepository(
  settings: StoreSettings,
  signal: AbortSignal,
): Promise<ListedRepository> {
  const found = await findRepository(settings, signal);
  if (found.kind === 'repository') return found.repository;
  throw new Failure('backup', found.why);
}

async function onlyCluster(config: StoreSettings['store'], signal: AbortSignal): Promise<string | undefined> {
  const clusters = await clustersIn(config, signal);
  if (clusters.length < 2) return clusters[0];
  throw new Failure(
    'configuration',
    `the store holds ${clusters.length} clusters, so CLUSTER_NAME should say which: ${clusters.join(', ')}`,
  );
}

/**
 * The entry that a person asked for. What `latest` passes over is noted. Whatever turns out to be wrong later with the
 * data of the one that it takes is said, and no older one silently taken for it.
 * @throws Failure `configuration` for what is no name, or where `latest` could be of either of two clusters; `backup`
 * where there is no such backup
 */
export async function pickBackup(
  repository: ListedRepository,
  which: string,
  note: (text: string) => void,
): Promise<CatalogEntry> {
  if (which === 'latest') return latestOf(repository, note);
  if (parseBackupName(which) === undefined) {
    throw new Failure(
      'configuration',
      `${JSON.stringify(which)} is no backup's name: it should be latest, or a name as list shows it`,
    );
  }
  const { entries, store } = repository;
  const found = entries.find(({ name }) => name === which);
  if (found) return found;
  throw new Failure(
    'backup',
    `there is no backup ${which} in ${store.location}; list shows those that are there`,
  );
}

async function latestOf(repository: ListedRepository, note: (text: string) => void): Promise<CatalogEntry> {
  const { location } = repository.store;
  const latest = await findLatest(repository, repository.entries, Date.now());
  switch (latest.kind) {
    case 'found':
      notePassedOver(latest.passedOver, note);
      noteStretches(latest.stretches, location, note);
      return latest.entry;
    case 'several-clusters':
      throw new Failure('configuration', severalClusters(latest.newest, location));
    case 'none':
      notePassedOver(latest.passedOver, note);
      throw new Failure('backup', nothingGood(repository, latest.unread));
    default:
      return latest satisfies never;
  }
}

/** What a person should know who takes the latest: what looks newer, and why it is not it. */
function notePassedOver(passedOver: readonly PassedOver[], note: (text: string) => void): void {
  for (const { name, problem } of passedOver.slice(0, NAMED))
    note(`${name} is newer, but passed over: ${problem}\n`);
  if (passedOver.length > NAMED) note(`${passedOver.length - NAMED} more are passed over: list shows why\n`);
}

function noteStretches(
  [newest, ...older]: readonly Stretch[],
  location: string,
  note: (text: string) => void,
): void {
  if (newest === undefined || older.length === 0) return;
  note(
    `${location} has backups of ${older.length + 1} cluster IDs, one after another, so the cluster was made anew or ` +
      `restored: the latest is of ${newest.clusterId}; before it came ${older.map(described).join(', ')}\n`,
  );
}

const described = ({ clusterId, newest }: Stretch): string => `${clusterId} (newest: ${newest})`;

/** @throws Failure `backup`, which says which backup it was */
export async function manifestOf(
  repository: ListedRepository,
  entry: CatalogEntry,
  consequence = '',
): Promise<Manifest> {
  try {
    return await readManifest(repository, entry);
  } catch (error) {
    throw unusable(entry.name, error, consequence);
  }
}

/** Says which backup it was, and what follows; what is no failure of the store comes back as it is. */
export function unusable(name: string, error: unknown, consequence = ''): unknown {
  if (!isFailure(error, 'backup')) return error;
  const message = `the backup ${name} cannot be used${consequence}: ${error.message}`;
  return new Failure('backup', message, { cause: error });
}

/** Why `latest` means nothing there. */
export const severalClusters = (newest: readonly Stretch[], location: string): string =>
  `${location} has backups of ${newest.length} clusters that have one name: ${newest.map(described).join(', ')}. Say by ` +
  'CLUSTER_ID which of them is meant, and give each cluster a CLUSTER_NAME of its own';

function nothingGood({ store, clusterId, entries }: ListedRepository, unread: number): string {
  const whose = clusterId === undefined ? '' : ` of the cluster ID ${clusterId}`;
  const looked =
    unread === 0
      ? `only ${entries.length} that are none, or parts of some`
      : `as far as was looked: the oldest ${unread} were not. To take one of them, give its name`;
  return `${store.location} holds no complete backup${whose} that could be the latest, ${looked}; list shows what is there`;
}
