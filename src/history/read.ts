import type { CatalogEntry } from '../backup/catalog.ts';
import { examineInOrder, type Repository } from '../backup/examine.ts';
import type { Manifest } from '../backup/manifest.ts';
import type { Usage } from '../bolt/usage/types.ts';

/** A backup whose manifest cannot be used, and why. */
export interface LeftOut {
  name: string;
  problem: string;
}

/** Of what fills a database that by resource: the namespaces and the keys are most of a manifest, and only shown of one. */
export type PastUsage = Pick<Usage, 'total' | 'resources'>;

/** A manifest as it is kept for hundreds of runs at once. */
export type PastManifest = Omit<Manifest, 'usage'> & { usage?: PastUsage };

/** What the manifests of the newest backups tell. */
export interface Past {
  /** newest first */
  backups: { entry: CatalogEntry; manifest: PastManifest }[];
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
  const backups: Past['backups'] = [];
  const leftOut: LeftOut[] = [];
  for await (const examined of examineInOrder(repository, entries)) {
    if (examined.ok) backups.push({ entry: examined.entry, manifest: shortened(examined.manifest) });
    else leftOut.push({ name: examined.entry.name, problem: examined.problem });
    if (backups.length === most || leftOut.length === MOST_LEFT_OUT) break;
  }
  return { backups, leftOut, unread: entries.length - backups.length - leftOut.length };
}

function shortened({ usage, ...rest }: Manifest): PastManifest {
  if (usage === undefined) return rest;
  const { total, resources } = usage;
  return { ...rest, usage: { total, resources } };
}
