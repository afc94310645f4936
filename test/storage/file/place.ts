import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Store } from '../../../src/storage/store.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { fileStore } from '../../support/file-store.ts';

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
    store: fileStore({ directory, cluster: 'prod' }),
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
