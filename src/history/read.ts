import type { CatalogEntry } from '../backup/catalog.ts';
import { examineInOrder, type GoodBackup, type Repository } from '../backup/examine.ts';

/** A backup whose manifest cannot be used, and why. */
export interface LeftOut {
  name: string;
  problem: string;
}

/** What the manifests of the newest backups tell. */
export interface Past {
  /** newest first */
  backups: GoodBackup[];
  leftOut: LeftOut[];
  /** entries that nobody looked into: older ones, or because too much was left out */
  unread: number;
}

/** So many that cannot be used are passed over to find those that can: an end, whatever the folder is filled with. */
const MOST_LEFT_OUT = 100;

/**
 * The newest backups, at most `most` of them, as their manifests tell of them. One that is no good, or whose manifest
 * cannot be read, says nothing about the others: it is left out, and the next one looked into.
 * @param entries newest first
 * @throws what the store's signal says
 */
export async function readPast(
  repository: Repository,
  entries: readonly CatalogEntry[],
  most: number,
): Promise<Past> {
  const backups: GoodBackup[] = [];
  const leftOut: LeftOut[] = [];
  for await (const examined of examineInOrder(repository, entries)) {
    if (examined.ok) backups.push(examined);
    else leftOut.push({ name: examined.entry.name, problem: examined.problem });
    if (backups.length === most || leftOut.length === MOST_LEFT_OUT) break;
  }
  return { backups, leftOut, unread: entries.length - backups.length - leftOut.length };
}
