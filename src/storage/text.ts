import { bounded } from '../util/bounded.ts';
import { type Chunks, copyOf } from '../util/lent.ts';
import { isStoreError, StoreError } from './errors.ts';
import type { PendingFile } from './store.ts';

/** A manifest is a few KiB; more is none, and is not read into memory. */
const MAX_TEXT_BYTES = 2 ** 20;

/**
 * A small text that a store reads; undefined where there is none. `place` is where it is, for a person.
 * @throws StoreError `too-large` above 1 MiB
 */
export async function textOf(chunks: Chunks, place: string): Promise<string | undefined> {
  try {
    return await joined(bounded(chunks, MAX_TEXT_BYTES, () => tooLarge(place)));
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  }
}

function tooLarge(place: string): StoreError {
  return new StoreError('too-large', `${place} is too large for a manifest`, 'look at what it is');
}

async function joined(chunks: Chunks): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of chunks) pieces.push(copyOf(piece));
  return Buffer.concat(pieces).toString('utf8');
}

/** Writes a text, reads it back, and only then publishes it. Leaves nothing of it behind where that fails. */
export async function publishText(pending: PendingFile, text: string, place: string): Promise<void> {
  try {
    await pending.write(Buffer.from(text));
    await pending.flush();
    await proveText(pending, text, place);
    await pending.publish();
  } catch (error) {
    // The first failure is the one to tell of; what cannot be removed is left to a later run.
    await Promise.allSettled([pending.discard()]);
    throw error;
  }
}

/** Reads back what was written so far. @throws StoreError `damaged` when it is not `text` */
export async function proveText(pending: PendingFile, text: string, place: string): Promise<void> {
  const damaged = (): StoreError =>
    new StoreError(
      'damaged',
      `${place} reads back differently from what was written`,
      'look for a failing disk or share: this store cannot be trusted',
    );
  const found = await joined(bounded(pending.read(), Buffer.byteLength(text), damaged));
  if (found !== text) throw damaged();
}
