import { Failure } from '../errors.ts';
import type { Structure } from '../bolt/structure.ts';
import { observed } from '../util/lent.ts';
import type { Compression } from '../config/backup.ts';
import type { Layer, Sink } from './codec.ts';
import type { Manifest } from './manifest.ts';
import { differenceOf, type Digest } from './digest.ts';
import { type Bounds, digestStored, drain } from './proof.ts';
import type { Store } from '../storage/store.ts';
import { proveStructure } from './structure.ts';

/** How a backup is to be read. */
export interface Reading {
  store: Store;
  manifest: Manifest;
  /** age's secret keys, for a backup that is encrypted */
  identities: readonly string[];
  signal: AbortSignal;
  /** is told how many stored bytes were just read */
  onRead: (bytes: number) => void;
  /** whether the structure of the database is part of the proof */
  checkStructure: boolean;
  /** takes the snapshot as `etcdctl snapshot save` would write it; must not trust it before `readBackup` has resolved */
  sink?: Sink;
}

/**
 * Reads a whole backup and proves it: the stored bytes and the database in them are those of the manifest, etcd's own
 * checksum fits, and so does the database's structure.
 * @returns the structure; undefined where it was not checked
 * @throws Failure `backup` when it cannot be read or is not whole; what the sink or the signal threw first
 */
export async function readBackup(reading: Reading): Promise<Structure | undefined> {
  const { store, manifest, identities, signal, onRead, checkStructure, sink = drain } = reading;
  const proof = checkStructure ? proveStructure(damaged) : undefined;
  const seen: Sink = proof ? (chunks) => sink(observed(chunks, (piece) => proof.see(piece))) : sink;
  const compression = readable(manifest);
  const decrypt = await decryptionFor(manifest, identities);
  const stored = observed(store.read(manifest.name), (piece) => onRead(piece.length));
  const found = await digestStored(stored, { compression, decrypt }, boundsOf(manifest), signal, seen);
  compare('the stored file', found.stored, manifest.stored);
  compare('the database in it', found.raw, manifest.raw);
  const structure = proof?.structure();
  if (structure !== undefined && structure.revision < manifest.revision) throw tooOld(structure, manifest);
  return structure;
}

function readable({ compression }: Manifest): Compression {
  if (compression !== 'gzip') return compression;
  throw new Failure('backup', 'it is compressed with gzip, which this version cannot read: a later one can');
}

/** Whatever is in the file, no more comes out of it than its manifest says: a few KiB can unfold to fill any disk. */
const boundsOf = ({ raw, stored }: Manifest): Bounds => ({
  raw,
  stored,
  surplus: (what, bytes) => differs(what, `more than ${bytes} bytes, of which the rest was not read`),
});

/** What decrypts a backup; undefined where nothing has to. */
async function decryptionFor(
  { encryption }: Manifest,
  identities: readonly string[],
): Promise<Layer | undefined> {
  if (encryption.recipients.length === 0) return undefined;
  if (identities.length > 0) return (await import('./encryption/age.ts')).decryptWith(identities);
  throw new Failure(
    'backup',
    `it is encrypted (for ${encryption.recipients.join(', ')}): name the file with the identity that opens it in ` +
      'BACKUP_AGE_IDENTITY_FILE',
  );
}

const damaged = (damage: string): Failure =>
  new Failure(
    'backup',
    `the database in it is damaged, though its checksums fit (${damage}): so it was taken, or it and its manifest were ` +
      'replaced where they are stored',
  );

const tooOld = (found: Structure, { revision }: Manifest): Failure =>
  new Failure(
    'backup',
    `the database in it ends at revision ${found.revision}, and its manifest says ${revision}: it is not the one that was ` +
      'backed up',
  );

function compare(what: string, found: Digest, expected: Digest): void {
  const difference = differenceOf(found, expected);
  if (difference !== undefined) throw differs(what, difference);
}

const differs = (what: string, told: string): Failure =>
  new Failure(
    'backup',
    `${what} is not what its manifest says (${told}): one of the two was damaged or replaced where they are stored`,
  );
