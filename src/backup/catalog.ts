import { backupOfManifest, type BackupName, isBackupFile, manifestName, parseBackupName } from './names.ts';
import type { Store } from '../storage/store.ts';

/** What a listing of the store tells of one backup, without a look into its manifest. */
export interface CatalogEntry extends BackupName {
  name: string;
  /** bytes; undefined where there is only a manifest */
  storedSize: number | undefined;
  hasManifest: boolean;
}

/**
 * What looks like a backup or the manifest of one by its name, newest first, at the cost of one listing. What has another
 * name is not kept.
 */
export async function readCatalog(store: Store): Promise<CatalogEntry[]> {
  const found = new Map<string, CatalogEntry>();
  for (const { name: file, size } of await store.list(isBackupFile)) {
    const ofManifest = backupOfManifest(file);
    const name = ofManifest ?? file;
    const known = found.get(name) ?? entryOf(name);
    if (known === undefined) continue;
    if (ofManifest === undefined) known.storedSize = size;
    else known.hasManifest = true;
    found.set(name, known);
  }
  return [...found.values()].toSorted(newestFirst);
}

function entryOf(name: string): CatalogEntry | undefined {
  const parsed = parseBackupName(name);
  return parsed && { ...parsed, name, storedSize: undefined, hasManifest: false };
}

/** For sorting; of two of the same second the one with the higher revision is the newer. */
export const newestFirst = (a: CatalogEntry, b: CatalogEntry): number =>
  b.at.getTime() - a.at.getTime() || b.revision - a.revision || (a.name < b.name ? 1 : -1);

/** Why this is no backup, as far as a listing can tell; undefined for one that has both of its files. */
export function incompleteBecause({ storedSize, hasManifest }: CatalogEntry): string | undefined {
  if (!hasManifest)
    return 'it has no manifest: the run that wrote it did not finish, or somebody removed the manifest';
  return storedSize === undefined ? 'its data file is missing' : undefined;
}

/** Whether both of its files are there. */
export const isComplete = (entry: CatalogEntry): boolean => incompleteBecause(entry) === undefined;

/**
 * The files of a backup in the order of their removal: the data first. A removal that is cut short then leaves a
 * manifest, which is small and proves whose it is, so that a later run can finish. The other way round it would leave a
 * large file that nothing proves to be ours: it would have to stay for ever.
 */
export function filesOf({ name, storedSize, hasManifest }: CatalogEntry): string[] {
  return [...(storedSize === undefined ? [] : [name]), ...(hasManifest ? [manifestName(name)] : [])];
}
