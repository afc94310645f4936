import { Failure } from '../errors.ts';
import { AT_ONCE, inParallel } from '../util/parallel.ts';
import type { StoredBackup } from './inventory.ts';
import type { Store } from '../storage/store.ts';

export interface Pruned {
  /** Backups of which nothing is left. */
  removed: string[];
  /** Backups of which something could not be removed, with what the store said. */
  failures: { name: string; error: Failure }[];
}

/**
 * Removes backups, a few at a time. One that cannot be removed does not keep the others. Throws what is no failure of
 * the store.
 */
export async function prune(store: Store, backups: readonly StoredBackup[]): Promise<Pruned> {
  const ends = await inParallel(backups, AT_ONCE, async ({ name, files }) => ({
    name,
    error: await removeAll(store, files),
  }));
  return {
    removed: ends.flatMap(({ name, error }) => (error === undefined ? [name] : [])),
    failures: ends.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }])),
  };
}

/** In order, and no further after a failure: a data file must never lose the manifest that proves whose it is. */
async function removeAll(store: Store, files: readonly string[]): Promise<Failure | undefined> {
  try {
    for (const file of files) await store.remove(file);
    return undefined;
  } catch (error) {
    if (error instanceof Failure && error.kind === 'backup') return error;
    throw error;
  }
}
