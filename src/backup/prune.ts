import { Failure } from '../errors.ts';
import type { StoredBackup } from './inventory.ts';
import type { Store } from './stores/store.ts';

export interface Pruned {
  /** Backups of which nothing is left. */
  removed: string[];
  /** Backups of which something could not be removed, with what the store said. */
  failures: { name: string; error: Failure }[];
}

/**
 * Removes backups in the given order. One that cannot be removed does not keep the others. Throws what is no failure
 * of the store.
 */
export async function prune(store: Store, backups: readonly StoredBackup[]): Promise<Pruned> {
  const pruned: Pruned = { removed: [], failures: [] };
  for (const { name, files } of backups) {
    try {
      // In order, and no further after a failure: a data file must never lose the manifest that proves whose it is.
      for (const file of files) await store.remove(file);
      pruned.removed.push(name);
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'backup') throw error;
      pruned.failures.push({ name, error });
    }
  }
  return pruned;
}
