import { Failure, isFailure } from '../errors.ts';
import type { Store } from '../storage/store.ts';
import { AT_ONCE, inParallel } from '../util/parallel.ts';
import { type CatalogEntry, incompleteBecause } from './catalog.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { manifestName } from './names.ts';

/**
 * The one look into a manifest that everybody takes who is to believe it: whoever counts backups, lists, forecasts,
 * fetches or deletes them. Nothing but a whole manifest that agrees with all that is known otherwise makes a backup.
 */

/** A cluster's folder of a store, and whose backups are meant there. */
export interface Repository {
  store: Store;
  /** the name that its manifests have to bear */
  cluster: string;
  /** the ID that they have to bear; undefined: any */
  clusterId?: string | undefined;
}

/** Why something is no backup. `other-id`: all is well with it, but it is of a cluster with another ID. */
export type Fault = 'incomplete' | 'unusable' | 'disagrees' | 'other-id';

/** What is known of a backup without a look at its data. */
export type Examined = { entry: CatalogEntry } & (
  | { ok: true; manifest: Manifest }
  | {
      ok: false;
      fault: Fault;
      /** in words */
      problem: string;
    }
);
export type GoodBackup = Extract<Examined, { ok: true }>;
export type BadBackup = Extract<Examined, { ok: false }>;

/** Looks into one. Only what the signal says is thrown: one that cannot be read says nothing about the others. */
export async function examine(repository: Repository, entry: CatalogEntry): Promise<Examined> {
  const problem = incompleteBecause(entry);
  return problem === undefined
    ? examineManifest(repository, entry)
    : { entry, ok: false, fault: 'incomplete', problem };
}

/** The same of what may have lost its data file: whether its manifest proves whose it was. */
export async function examineManifest(repository: Repository, entry: CatalogEntry): Promise<Examined> {
  const read = await readManifestText(repository, entry);
  if (!read.ok) return { entry, ok: false, fault: 'unusable', problem: read.problem };
  const disagreement = disagreementOf(read.manifest, entry, repository);
  return disagreement === undefined
    ? { entry, ok: true, manifest: read.manifest }
    : { entry, ok: false, ...disagreement };
}

type ReadManifest = { ok: true; manifest: Manifest } | { ok: false; problem: string };

const unusable = (why: string): ReadManifest => ({
  ok: false,
  problem: `its manifest cannot be used: ${why}`,
});

async function readManifestText({ store }: Repository, { name }: CatalogEntry): Promise<ReadManifest> {
  try {
    const text = await store.readText(manifestName(name));
    if (text === undefined) return unusable('it is gone');
    const parsed = parseManifest(text);
    return parsed.ok ? { ok: true, manifest: parsed.value } : unusable(parsed.problem);
  } catch (error) {
    if (isFailure(error, 'backup')) return unusable(error.message);
    throw error;
  }
}

/**
 * Looks into them in this order, a few at a time and only as far as somebody asks for more: who has seen enough stops,
 * and the rest costs nothing.
 */
export async function* examineInOrder(
  repository: Repository,
  entries: readonly CatalogEntry[],
): AsyncGenerator<Examined, void> {
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const next = entries.slice(at, at + AT_ONCE);
    yield* await inParallel(next, AT_ONCE, (entry) => examine(repository, entry));
  }
}

/**
 * The manifest of a backup that has all it takes to be read.
 * @throws Failure `backup`, saying what is missing or does not agree
 */
export async function readManifest(repository: Repository, entry: CatalogEntry): Promise<Manifest> {
  const examined = await examine(repository, entry);
  if (examined.ok) return examined.manifest;
  throw new Failure('backup', examined.problem);
}

type Wanted = Pick<Repository, 'cluster' | 'clusterId'>;

/**
 * What keeps a manifest from being that of the backup which it lies beside: everything in it that the name and the
 * listing tell too is compared. Undefined where nothing does. A data file that is gone has no size to compare.
 */
function disagreementOf(
  manifest: Manifest,
  entry: CatalogEntry,
  wanted: Wanted,
): Pick<BadBackup, 'fault' | 'problem'> | undefined {
  const problem =
    nameProblem(manifest, entry) ?? clusterProblem(manifest, wanted) ?? sizeProblem(manifest, entry);
  if (problem !== undefined) return { fault: 'disagrees', problem };
  const { id } = manifest.cluster;
  if (wanted.clusterId === undefined || wanted.clusterId === id) return undefined;
  return { fault: 'other-id', problem: ofAnother(manifest, wanted) };
}

function nameProblem(
  manifest: Manifest,
  { name, at, revision, compression, encrypted }: CatalogEntry,
): string | undefined {
  if (manifest.name !== name) return `its manifest is that of ${manifest.name}`;
  const isEncrypted = manifest.encryption.recipients.length > 0;
  const said: [what: string, byName: string, byManifest: string][] = [
    ['it was started at', toTheSecond(at), toTheSecond(new Date(manifest.startedAt))],
    ['its revision is', String(revision), String(manifest.revision)],
    ['its compression is', compression, manifest.compression],
    ['it is encrypted:', encrypted ? 'yes' : 'no', isEncrypted ? 'yes' : 'no'],
  ];
  const differing = said.find(([, byName, byManifest]) => byName !== byManifest);
  if (differing === undefined) return undefined;
  const [what, byName, byManifest] = differing;
  return `${what} ${byManifest} by its manifest and ${byName} by its name: it was copied under another name, or one of the two was changed`;
}

/** A name has no fractions. */
const toTheSecond = (at: Date): string => at.toISOString().replace(/\.\d+/, '');

function clusterProblem(manifest: Manifest, wanted: Wanted): string | undefined {
  return manifest.cluster.name === wanted.cluster ? undefined : ofAnother(manifest, wanted);
}

function ofAnother({ cluster }: Manifest, { cluster: name, clusterId }: Wanted): string {
  if (clusterId === undefined) return `it is a backup of the cluster ${cluster.name}, not of ${name}`;
  return `it is a backup of the cluster ${cluster.name} (${cluster.id}), not of ${name} (${clusterId})`;
}

function sizeProblem({ stored }: Manifest, { storedSize }: CatalogEntry): string | undefined {
  if (storedSize === undefined || storedSize === stored.size) return undefined;
  return `it has ${storedSize} bytes, and its manifest says ${stored.size}: it was cut short or replaced`;
}
