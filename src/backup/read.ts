import { Failure } from '../errors.ts';
import { observed } from '../util/lent.ts';
import { type CatalogEntry, incompleteBecause } from './catalog.ts';
import type { Layer, Sink } from './codec.ts';
import {
  type Manifest,
  type ManifestHead,
  mismatchOf,
  type Parsed,
  parseManifest,
  parseManifestHead,
} from './manifest.ts';
import { manifestName, parseBackupName } from './names.ts';
import { type Digest, digestStored, type Limits } from './proof.ts';
import type { Store } from '../storage/store.ts';

/** A cluster's folder of a store. */
export interface Repository {
  store: Store;
  /** the name that its manifests have to bear */
  cluster: string;
}

/**
 * The manifest of a backup that has all it takes to be read.
 * @throws Failure `backup`, saying what is missing or does not fit the name, the cluster or the file's size
 */
export async function readManifest(repository: Repository, entry: CatalogEntry): Promise<Manifest> {
  return (await readFitting(repository, entry, parseManifest)).value;
}

/**
 * What is known of a backup that this version need not be able to read: one of a later version is complete, too.
 * @throws Failure `backup` as `readManifest` does
 */
export async function readSizes(repository: Repository, entry: CatalogEntry): Promise<{ rawSize?: number }> {
  const { text } = await readFitting(repository, entry, parseManifestHead);
  const manifest = parseManifest(text);
  return manifest.ok ? { rawSize: manifest.value.raw.size } : {};
}

async function readFitting<T extends ManifestHead>(
  { store, cluster }: Repository,
  entry: CatalogEntry,
  parse: (text: string) => Parsed<T>,
): Promise<{ value: T; text: string }> {
  const { name, storedSize } = entry;
  const missing = incompleteBecause(entry);
  if (missing !== undefined) throw new Failure('backup', missing);
  const text = await store.readText(manifestName(name));
  if (text === undefined) throw new Failure('backup', 'its manifest is gone');
  const parsed = parse(text);
  if (!parsed.ok) throw new Failure('backup', `its manifest cannot be used: ${parsed.problem}`);
  const problem = mismatchOf(parsed.value, { name, cluster: { name: cluster }, storedSize });
  if (problem !== undefined) throw new Failure('backup', problem);
  return { value: parsed.value, text };
}

/** How a backup is to be read. */
export interface Reading {
  store: Store;
  manifest: Manifest;
  /** age's secret keys, for a backup that is encrypted */
  identities: readonly string[];
  signal: AbortSignal;
  /** is told how many stored bytes were just read */
  onRead: (bytes: number) => void;
  /** takes the snapshot as `etcdctl snapshot save` would write it; must not trust it before `readBackup` has resolved */
  sink?: Sink;
}

/**
 * Reads a whole backup and proves it: the stored bytes and the database in them are those of the manifest, and etcd's
 * own checksum fits.
 * @throws Failure `backup` when it cannot be read or is not whole; what the sink or the signal threw first
 */
export async function readBackup(reading: Reading): Promise<void> {
  const { store, manifest, identities, signal, onRead, sink } = reading;
  const decrypt = await decryptionFor(manifest, identities);
  const decoding = { compression: manifest.compression, decrypt };
  const stored = observed(store.read(manifest.name), (piece) => onRead(piece.length));
  const found = await digestStored(stored, decoding, limitsOf(manifest), signal, sink);
  compare('the stored file', found.stored, manifest.stored);
  compare('the database in it', found.raw, manifest.raw);
}

/** Whatever is in the file, no more comes out of it than its manifest says: a few KiB can unfold to fill any disk. */
const limitsOf = ({ raw, stored }: Manifest): Limits => ({
  raw,
  stored,
  surplus: (what, bytes) =>
    new Failure(
      'backup',
      `${what} is not what its manifest says (more than ${bytes} bytes, of which the rest was not read): one of the two ` +
        'was damaged or replaced where they are stored',
    ),
});

/** What decrypts a backup; undefined where nothing has to. */
async function decryptionFor(
  { name, encryption }: Manifest,
  identities: readonly string[],
): Promise<Layer | undefined> {
  // The name counts too, so that damage to the manifest is not taken for damage to the file.
  if (encryption.recipients.length === 0 && !parseBackupName(name)?.encrypted) return undefined;
  if (identities.length > 0) return (await import('./encryption/age.ts')).decryptWith(identities);
  throw new Failure(
    'backup',
    `it is encrypted (for ${encryption.recipients.join(', ')}): name the file with the identity that opens it in ` +
      'BACKUP_AGE_IDENTITY_FILE',
  );
}

function compare(what: string, found: Digest, expected: Digest): void {
  if (found.size === expected.size && found.sha256 === expected.sha256) return;
  throw new Failure(
    'backup',
    `${what} is not what its manifest says (${found.size} bytes, SHA-256 ${found.sha256}, instead of ` +
      `${expected.size} bytes, ${expected.sha256}): one of the two was damaged or replaced where they are stored`,
  );
}
