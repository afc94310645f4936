import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { exitCodeOf, Failure } from '../../../src/errors.ts';
import { openFileStore } from '../../../src/storage/file/store.ts';
import type { Store } from '../../../src/storage/store.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

export const NAME = '20260305T021500Z-4711.db.zst';
export const MIB = 2 ** 20;

export interface Place extends AsyncDisposable {
  store: Store;
  /** The store's root. */
  directory: string;
  /** The cluster's folder in it. */
  folder: string;
}

/** A store, not prepared yet, whose root is a scratch folder or (not made yet) a folder below that. */
export async function newStore(below = ''): Promise<Place> {
  const scratch = await scratchFolder('file-store');
  const directory = join(scratch.path, below);
  return {
    store: openFileStore({ directory, cluster: 'prod' }),
    directory,
    folder: join(directory, 'prod'),
    [Symbol.asyncDispose]: scratch[Symbol.asyncDispose],
  };
}

export async function readyStore(below?: string): Promise<Place> {
  const place = await newStore(below);
  await place.store.prepare();
  return place;
}

/** Checks for a failure of the backup (exit code 4) whose message says all of this. */
export function failsWith(...words: RegExp[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(exitCodeOf(error), 4);
    for (const word of words) assert.match(error.message, word);
    return true;
  };
}

/** What this process has open below a folder. */
export async function openBelow(folder: string): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd');
  const targets = await Promise.all(
    numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(folder));
}

/** A stream closes its file in the background. */
export async function assertNothingOpenBelow(folder: string): Promise<void> {
  for (let tries = 0; tries < 100 && (await openBelow(folder)).length > 0; tries += 1) await wait(10);
  assert.deepEqual(await openBelow(folder), []);
}

/** All bytes of what a store reads; copied, because it overwrites its pieces. */
export async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of pieces) copies.push(Buffer.from(piece));
  return Buffer.concat(copies);
}
