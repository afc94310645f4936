import { text as joined } from 'node:stream/consumers';
import { StoreError } from './errors.ts';
import type { PendingFile } from './store.ts';

/** A manifest is a few KiB; more is none, and is not read into memory. */
export const MAX_TEXT_BYTES = 2 ** 20;

/** `place` is where the text is, for a person. */
export function tooLarge(place: string): StoreError {
  return new StoreError('too-large', `${place} is too large for a manifest`, 'look at what it is');
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
  if ((await joined(pending.read())) === text) return;
  throw new StoreError(
    'damaged',
    `${place} reads back differently from what was written`,
    'look for a failing disk or share: this store cannot be trusted',
  );
}
