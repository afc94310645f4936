import { join } from 'node:path';
import { type CatalogEntry, filesOf, incompleteBecause, readCatalog } from '../../src/backup/catalog.ts';
import type { ClusterIdentity } from '../../src/backup/manifest.ts';
import { foreignBecause } from '../../src/backup/prune.ts';
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
export async function readBackups(store: Store, cluster: ClusterIdentity) {
  const backups: CatalogEntry[] = [];
  const remnants: CatalogEntry[] = [];
  const ignored: { name: string; reason: string }[] = [];
  for (const entry of (await readCatalog(store)).toReversed()) {
    const [name = ''] = filesOf(entry);
    const incomplete = incompleteBecause(entry);
    const reason = incomplete ?? (await foreignBecause(store, entry, cluster));
    if (reason === undefined) backups.push(entry);
    else ignored.push({ name, reason });
    const isRemnant = entry.storedSize === undefined;
    if (isRemnant && (await foreignBecause(store, entry, cluster)) === undefined) remnants.push(entry);
  }
  return { backups, remnants, ignored };
}
