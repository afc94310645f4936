import { join } from 'node:path';
import { type CatalogEntry, filesOf, readCatalog } from '../../src/backup/catalog.ts';
import type { Manifest } from '../../src/backup/manifest.ts';
import { examine, examineManifest } from '../../src/backup/examine.ts';
import type { Store } from '../../src/storage/store.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { CLUSTER } from './sample.ts';
import { fileStore } from '../support/file-store.ts';

export const FIRST = '20260301T021500Z-100.db.zst';
export const SECOND = '20260302T021500Z-200.db';

export async function emptyStore() {
  const scratch = await scratchFolder('catalog');
  const store = fileStore({ directory: scratch.path, cluster: CLUSTER.name });
  await store.prepare();
  return {
    store,
    folder: join(scratch.path, CLUSTER.name),
    [Symbol.asyncDispose]: scratch[Symbol.asyncDispose],
  };
}

/** Everything that looks like a backup, each one looked into; the oldest first. */
export async function readBackups(store: Store, { name: cluster, id: clusterId }: Manifest['cluster']) {
  const repository = { store, cluster, clusterId };
  const backups: CatalogEntry[] = [];
  const remnants: CatalogEntry[] = [];
  const ignored: { name: string; reason: string }[] = [];
  for (const entry of (await readCatalog(store)).toReversed()) {
    const [name = ''] = filesOf(entry);
    const examined = await examine(repository, entry);
    if (examined.ok) backups.push(entry);
    else ignored.push({ name, reason: examined.problem });
    const isRemnant = entry.storedSize === undefined;
    if (isRemnant && (await examineManifest(repository, entry)).ok) remnants.push(entry);
  }
  return { backups, remnants, ignored };
}
