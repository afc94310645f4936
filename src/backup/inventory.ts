import { Failure, messageOf } from '../errors.ts';
import { incompleteBecause, readCatalog } from './catalog.ts';
import { type ManifestHead, mismatchOf, type Parsed, parseManifestHead } from './manifest.ts';
import { type BackupName, manifestName } from './names.ts';
import type { Store } from '../storage/store.ts';

/** What is in the store of one backup: by the pattern of its name; whose it is, its manifest has to tell. */
export interface StoredBackup extends BackupName {
  name: string;
  /** Bytes; undefined where the data file is gone. */
  storedSize: number | undefined;
  /** In the order of removal. */
  files: string[];
}

/** What looks like a backup or a part of one, but is no complete backup of this cluster. */
export interface IgnoredFile {
  name: string;
  reason: string;
}

/** What a listing alone tells. Files with other names are not looked at. */
export interface Stock {
  /** Data file and manifest are there; newest first. */
  backups: StoredBackup[];
  /** Manifests whose data file is gone, as a removal leaves them that was cut short. */
  remnants: StoredBackup[];
  /** The remnants are in here too. */
  ignored: IgnoredFile[];
}

/** How manifests name a cluster. */
export interface ClusterIdentity {
  name: string;
  id: string;
}

/** Pairs the data files in the store with their manifests, at the cost of one listing. */
export async function takeStock(store: Store): Promise<Stock> {
  const stock: Stock = { backups: [], remnants: [], ignored: [] };
  for (const entry of await readCatalog(store)) {
    const { hasManifest, ...backup } = entry;
    const manifest = manifestName(backup.name);
    const reason = incompleteBecause(entry);
    // The data first. A removal that is cut short then leaves a manifest, which is small and proves whose it is, so
    // that a later run can finish. The other way round it would leave a large file that nothing proves to be ours: it
    // would have to stay for ever.
    if (reason === undefined) stock.backups.push({ ...backup, files: [backup.name, manifest] });
    else stock.ignored.push({ name: hasManifest ? manifest : backup.name, reason });
    if (reason !== undefined && hasManifest) stock.remnants.push({ ...backup, files: [manifest] });
  }
  return stock;
}

/**
 * Reads a backup's manifest as far as it proves that the backup of this name is the cluster's and that its file has the
 * right size. Undefined when it does, else why not.
 */
export async function problemOf(
  store: Store,
  { name, storedSize }: StoredBackup,
  cluster: ClusterIdentity,
): Promise<string | undefined> {
  const head = await readHead(store, manifestName(name));
  if (!head.ok) return `its manifest cannot be used: ${head.problem}`;
  return mismatchOf(head.value, { name, cluster, storedSize });
}

/** One manifest that cannot be read says nothing about the others. */
async function readHead(store: Store, manifest: string): Promise<Parsed<ManifestHead>> {
  try {
    const text = await store.readText(manifest);
    return text === undefined ? { ok: false, problem: 'it is gone' } : parseManifestHead(text);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'backup') throw error;
    return { ok: false, problem: messageOf(error) };
  }
}
