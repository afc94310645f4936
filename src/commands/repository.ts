import { type CatalogEntry, incompleteBecause, readCatalog } from '../backup/catalog.ts';
import { parseBackupName } from '../backup/names.ts';
import type { Repository } from '../backup/read.ts';
import { clustersIn, openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import type { StoreSettings } from '../config/config.ts';
import { Failure } from '../errors.ts';

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
  { store: config, clusterName }: StoreSettings,
  signal: AbortSignal,
): Promise<RepositoryLookup> {
  const cluster = clusterName ?? (await onlyCluster(config, signal));
  if (cluster === undefined) {
    const why = 'there is no backup of any cluster in the store: does BACKUP_STORE name the right place?';
    return { kind: 'nothing', why };
  }
  const store = await openStore(config, cluster, signal);
  const entries = await readCatalog(store);
  if (entries.length > 0) return { kind: 'repository', repository: { store, cluster, entries } };
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
 * The entry that a person asked for. `latest` is the newest one that has its manifest and its data; what it passes over
 * is noted; whatever else is wrong with that one is said, and no older one silently taken for it.
 * @throws Failure `configuration` for what is no name, `backup` where there is no such backup
 */
export function pickBackup(
  { entries, store }: ListedRepository,
  which: string,
  note: (text: string) => void,
): CatalogEntry {
  if (which === 'latest') return latestComplete(entries, store, note);
  if (parseBackupName(which) === undefined) {
    throw new Failure(
      'configuration',
      `${JSON.stringify(which)} is no backup's name: it should be latest, or a name as list shows it`,
    );
  }
  const found = entries.find(({ name }) => name === which);
  if (found) return found;
  throw new Failure(
    'backup',
    `there is no backup ${which} in ${store.location}; list shows those that are there`,
  );
}

function latestComplete(
  entries: readonly CatalogEntry[],
  store: Store,
  note: (text: string) => void,
): CatalogEntry {
  const index = entries.findIndex((entry) => incompleteBecause(entry) === undefined);
  for (const { name } of entries.slice(0, Math.max(0, index))) note(`${name} is newer, but not complete\n`);
  const found = entries[index];
  if (found) return found;
  throw new Failure('backup', `${store.location} holds no complete backup, only parts of ${entries.length}`);
}
