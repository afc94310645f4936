import { AT_ONCE, inParallel } from '../util/parallel.ts';
import { type CatalogEntry, incompleteBecause, readCatalog } from '../backup/catalog.ts';
import { type Manifest, parseManifest } from '../backup/manifest.ts';
import { manifestName } from '../backup/names.ts';
import { readManifest, type Repository } from '../backup/read.ts';
import { isFailure } from '../errors.ts';
import type { Store } from '../storage/store.ts';

/** Those that have both of their files. */
export const completeEntries = (entries: readonly CatalogEntry[]): CatalogEntry[] =>
  entries.filter((entry) => incompleteBecause(entry) === undefined);

/**
 * The manifests of the latest backups in a cluster's folder, newest first. Those that cannot be read are left out:
 * what they would tell is for people, and nothing is decided by it.
 * @throws Failure `backup` when the store cannot be read
 */
export async function readManifests(store: Store, most: number): Promise<Manifest[]> {
  const complete = completeEntries(await readCatalog(store)).slice(0, most);
  const texts = await inParallel(complete, AT_ONCE, ({ name }) => store.readText(manifestName(name)));
  return texts.flatMap((text) => {
    const manifest = parseManifest(text ?? '');
    return manifest.ok ? [manifest.value] : [];
  });
}

/** A backup whose manifest cannot be used, and why. */
export interface LeftOut {
  name: string;
  problem: string;
}

/**
 * The manifests of these backups, where they fit their names and their cluster: one that cannot be used says nothing
 * about the others.
 * @throws what the store's signal says
 */
export async function readEachManifest(
  repository: Repository,
  entries: readonly CatalogEntry[],
): Promise<{ manifests: Manifest[]; leftOut: LeftOut[] }> {
  const read = await inParallel(entries, AT_ONCE, async (entry): Promise<Manifest | LeftOut> => {
    try {
      return await readManifest(repository, entry);
    } catch (error) {
      if (!isFailure(error, 'backup')) throw error;
      return { name: entry.name, problem: error.message };
    }
  });
  return {
    manifests: read.flatMap((one) => ('problem' in one ? [] : one)),
    leftOut: read.flatMap((one) => ('problem' in one ? one : [])),
  };
}
