import { AT_ONCE, inParallel } from '../util/parallel.ts';
import { incompleteBecause, readCatalog } from '../backup/catalog.ts';
import { type Manifest, parseManifest } from '../backup/manifest.ts';
import { manifestName } from '../backup/names.ts';
import type { Store } from '../storage/store.ts';

/**
 * The manifests of the latest backups in a cluster's folder, newest first. Those that cannot be read are left out:
 * what they would tell is for people, and nothing is decided by it.
 * @throws Failure `backup` when the store cannot be read
 */
export async function readManifests(store: Store, most: number): Promise<Manifest[]> {
  const complete = (await readCatalog(store)).filter((entry) => incompleteBecause(entry) === undefined);
  const texts = await inParallel(complete.slice(0, most), AT_ONCE, ({ name }) =>
    store.readText(manifestName(name)),
  );
  return texts.flatMap((text) => {
    const manifest = parseManifest(text ?? '');
    return manifest.ok ? [manifest.value] : [];
  });
}
