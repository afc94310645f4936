import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { type LentBuffer, lend } from '../../util/lent.ts';
import { NotRegular, openRegular } from '../../util/regular-file.ts';
import { StoreError } from '../errors.ts';
import { toStoreError } from './errors.ts';

/** Large reads: the cost is per call, and the consumer hashes what it gets. */
const CHUNK_BYTES = 2 ** 20;

/** Links are not followed. */
async function openStored(path: string): Promise<FileHandle> {
  try {
    return await openRegular(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (!(error instanceof NotRegular)) throw error;
    throw new StoreError(
      'not-a-file',
      `${path} is not a regular file`,
      'move it away; nothing else belongs into the store',
    );
  }
}

/** A file's bytes. Opened when the first are asked for and closed at the end, at an error, or by `return`. */
export async function* readChunks(path: string): AsyncGenerator<LentBuffer, void> {
  try {
    await using handle = await openStored(path);
    let turn = 0;
    const ring = [0, 1].map(() => Buffer.allocUnsafeSlow(CHUNK_BYTES));
    for (;;) {
      const buffer = ring[turn % 2] ?? Buffer.alloc(0);
      turn += 1;
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield lend(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw toStoreError('read', path, error);
  }
}
