import { Failure, messageOf } from '../errors.ts';
import { parseManifestHead, type ManifestHead, type Parsed } from './manifest.ts';
import { backupOfManifest, manifestName, parseBackupName, type BackupName } from './names.ts';
import type { Store } from './stores/store.ts';

/** A backup that is proved to be this cluster's: by the pattern of its name and by its manifest. */
export interface StoredBackup extends BackupName {
  name: string;
  /** Bytes, as the manifest says. */
  storedSize: number;
  /** What there is of it in the store, in the order of removal. */
  files: string[];
}

/** What looks like a backup or a part of one, but is no complete backup of this cluster. */
export interface IgnoredFile {
  name: string;
  reason: string;
}

export interface Inventory {
  /** Complete: the data file is there and has the size that its manifest gives. */
  backups: StoredBackup[];
  /** Manifests of this cluster whose data file is gone, as a removal leaves them that was cut short. */
  remnants: StoredBackup[];
  /** The remnants are in here too. */
  ignored: IgnoredFile[];
}

/** How manifests name a cluster. */
export interface ClusterIdentity {
  name: string;
  id: string;
}

/** Pairs the data files in the store with their manifests. Files with other names are not looked at. */
export async function readBackups(store: Store, cluster: ClusterIdentity): Promise<Inventory> {
  const sizes = new Map((await store.list()).map(({ name, size }) => [name, size]));
  const names = new Set([...sizes.keys()].map((name) => backupOfManifest(name) ?? name));
  const inventory: Inventory = { backups: [], remnants: [], ignored: [] };
  // One manifest after another: a store in the network should not get hundreds of requests at once.
  for (const name of names) {
    const named = parseBackupName(name);
    if (named === undefined) continue;
    const manifest = manifestName(name);
    const head = sizes.has(manifest) ? await readHead(store, manifest, name, cluster) : NO_MANIFEST;
    sort(inventory, { name, ...named }, head, sizes.get(name));
  }
  return inventory;
}

const NO_MANIFEST: Parsed<ManifestHead> = {
  ok: false,
  problem: 'it has no manifest: the run that wrote it did not finish, or somebody removed the manifest',
};

/** Puts one backup where it belongs. */
function sort(
  { backups, remnants, ignored }: Inventory,
  backup: BackupName & { name: string },
  head: Parsed<ManifestHead>,
  size: number | undefined,
): void {
  const { name } = backup;
  const manifest = manifestName(name);
  if (!head.ok) {
    ignored.push({ name: size === undefined ? manifest : name, reason: head.problem });
    return;
  }
  const storedSize = head.value.stored.size;
  if (size === undefined) {
    ignored.push({ name: manifest, reason: 'its data file is missing' });
    remnants.push({ ...backup, storedSize, files: [manifest] });
    return;
  }
  if (size !== storedSize) {
    ignored.push({ name, reason: `it has ${size} bytes, and its manifest says ${storedSize}` });
    return;
  }
  // The data first. A removal that is cut short then leaves a manifest, which is small and proves whose it is, so that
  // a later run can finish. The other way round it would leave a large file that nothing proves to be ours: it would
  // have to stay for ever.
  backups.push({ ...backup, storedSize, files: [name, manifest] });
}

/** Reads a manifest as far as it proves that the backup of this name is the cluster's. */
async function readHead(
  store: Store,
  manifest: string,
  name: string,
  cluster: ClusterIdentity,
): Promise<Parsed<ManifestHead>> {
  const text = await readOne(store, manifest);
  const head = text.ok ? parseManifestHead(text.value) : text;
  if (!head.ok) return { ok: false, problem: `its manifest cannot be used: ${head.problem}` };
  if (head.value.name !== name) return { ok: false, problem: `its manifest is that of ${head.value.name}` };
  const { name: clusterName, id } = head.value.cluster;
  if (clusterName !== cluster.name || id !== cluster.id) {
    const [theirs, ours] = [`${clusterName} (${id})`, `${cluster.name} (${cluster.id})`];
    return { ok: false, problem: `it is a backup of the cluster ${theirs}, not of ${ours}` };
  }
  return head;
}

/** One manifest that cannot be read says nothing about the others. */
async function readOne(store: Store, manifest: string): Promise<Parsed<string>> {
  try {
    const text = await store.readText(manifest);
    return text === undefined ? { ok: false, problem: 'it is gone' } : { ok: true, value: text };
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'backup') throw error;
    return { ok: false, problem: messageOf(error) };
  }
}
