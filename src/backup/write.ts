import { Failure } from '../errors.ts';
import type { PendingFile, Store } from '../storage/store.ts';
import { bytesOf, type Chunks, observed } from '../util/lent.ts';
import { type Encoding, encode } from './codec.ts';
import { type Digest, digesting, proveSnapshot } from './proof.ts';

/** What is kept free beyond the announced size: the manifest, the file system's own needs, growth meanwhile. */
const HEADROOM = 1.15;

/** @throws Failure `backup` where a snapshot of so many bytes does not fit into the store */
export async function checkSpace(store: Store, announcedBytes: number): Promise<void> {
  const free = await store.freeBytes();
  const needed = Math.ceil(announcedBytes * HEADROOM);
  if (free === undefined || free >= needed) return;
  throw new Failure(
    'backup',
    `${store.location} has ${free} bytes free and the snapshot needs ${needed} (its size and 15 %): make room there, or keep fewer backups (BACKUP_KEEP_LAST)`,
  );
}

/** One piece is written while the next one comes in; waiting for it is also what holds the source back. */
export async function writeChunks(
  chunks: Chunks,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  let writing = Promise.resolve();
  for await (const chunk of chunks) {
    await writing;
    writing = write(bytesOf(chunk));
    writing.catch(() => undefined); // thrown by the await that follows
  }
  await writing;
}

/**
 * Writes a snapshot as it is to be stored, and compares etcd's checksum while it passes. `onRead` is told how many of its
 * bytes just came.
 * @throws Failure `backup` when the snapshot is not whole; what the source, the store or the signal threw first
 */
export async function writeSnapshot(
  snapshot: Chunks,
  encoding: Encoding,
  pending: PendingFile,
  { signal, onRead }: { signal: AbortSignal; onRead: (bytes: number) => void },
): Promise<{ raw: Digest; stored: Digest }> {
  const isPlain = encoding.compression === 'none' && encoding.encrypt === undefined;
  const proof = proveSnapshot();
  const stored = digesting();
  const raw = observed(proof.watch(snapshot), (chunk) => onRead(chunk.length));
  const write = (bytes: Uint8Array): Promise<void> => pending.write(bytes);
  // What is stored as it came is hashed once, by the proof.
  await encode(
    raw,
    encoding,
    (chunks) => writeChunks(isPlain ? chunks : observed(chunks, (chunk) => stored.add(chunk)), write),
    signal,
  );
  return { raw: proof.raw(), stored: isPlain ? proof.whole() : stored.digest() };
}
