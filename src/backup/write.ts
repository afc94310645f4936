import { Failure } from '../errors.ts';
import type { PendingFile, Store } from '../storage/store.ts';
import { bounded } from '../util/bounded.ts';
import { bytesOf, type Chunks, type LentBuffer, observed } from '../util/lent.ts';
import { type Encoding, encode, type Sink } from './codec.ts';
import { checksumming } from './digest.ts';
import { proveSnapshot, TRAILER_BYTES, WrongSnapshot, type Written } from './proof.ts';

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

/** More than any database grows between two calls on one connection, the second of which may wait for a moment. */
const MAX_GROWTH_BYTES = 2 ** 30;

/**
 * What is wrong with a size that was announced right after a status told another. etcd takes both numbers from bbolt's
 * high-water mark (`Tx.Size`), which nothing lowers but a defragmentation: so the snapshot is as long as the status says,
 * or longer by what was written since. Nothing is wrong with a shorter one that was defragmented meanwhile: whoever gets
 * `too-small` asks the member again, whose new size is smaller then, too.
 */
export function judgeAnnouncement(
  announcedBytes: number,
  dbSize: number,
): 'fits' | 'too-small' | 'too-large' {
  if (announcedBytes <= 0 || announcedBytes < dbSize) return 'too-small';
  return announcedBytes > 2 * dbSize + MAX_GROWTH_BYTES ? 'too-large' : 'fits';
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

export interface Writing {
  /** how long the database is by the member's word */
  announcedBytes: number;
  signal: AbortSignal;
  /** sees the snapshot's pieces as they come; must not trust them before `writeSnapshot` has resolved */
  see: (piece: LentBuffer) => void;
}

/**
 * Writes a snapshot as it is to be stored, and proves it while it passes. The store never gets more than was announced.
 * @throws WrongSnapshot when it is not whole, or not what was announced; what the source, the store or the signal threw
 * first
 */
export async function writeSnapshot(
  snapshot: Chunks,
  encoding: Encoding,
  pending: PendingFile,
  { announcedBytes, signal, see }: Writing,
): Promise<Written> {
  const proof = proveSnapshot();
  const stored = checksumming();
  const announced = bounded(snapshot, announcedBytes + TRAILER_BYTES, () => goesOn(announcedBytes));
  const raw = observed(proof.watch(announced), see);
  const write = (bytes: Uint8Array): Promise<void> => pending.write(bytes);
  const sink: Sink = (chunks) =>
    writeChunks(
      observed(chunks, (chunk) => stored.add(chunk)),
      write,
    );
  await encode(raw, encoding, sink, signal);
  const found = proof.raw();
  if (found.size !== announcedBytes) throw endsEarly(found.size, announcedBytes);
  return { raw: found, stored: stored.checksum() };
}

const goesOn = (announcedBytes: number): WrongSnapshot =>
  new WrongSnapshot(`the snapshot goes on after the ${announcedBytes} bytes that were announced`);

const endsEarly = (size: number, announcedBytes: number): WrongSnapshot =>
  new WrongSnapshot(`the snapshot ends after ${size} of the ${announcedBytes} bytes that were announced`);
