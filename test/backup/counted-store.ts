import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatManifest } from '../../src/backup/manifest.ts';
import { backupName, manifestName, parseBackupName } from '../../src/backup/names.ts';
import { findOutdated, type Limits, type Outdated } from '../../src/backup/prune.ts';
import type { KeepPolicy } from '../../src/config/config.ts';
import type { Store } from '../../src/storage/store.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { agreeingWith, CLUSTER, sampleManifest } from './sample.ts';
import { fileStore, replaced } from '../support/file-store.ts';

export const HOUR_MS = 60 * 60 * 1000;
export const NOW = new Date('2026-11-22T02:17:30Z');
export const NONE: KeepPolicy = { last: 0, daily: 0, weekly: 0, monthly: 0 };
export const FOREIGN = { cluster: { ...CLUSTER, id: 'cafe' } };

/** The name of a backup that was made so many hours before now, to the hour and 17 minutes. */
export function hoursAgo(hours: number): string {
  const at = new Date(Math.floor(NOW.getTime() / HOUR_MS - hours) * HOUR_MS + 17 * 60_000);
  return backupName({ at, revision: 1_000_000 - hours, compression: 'zstd' });
}

const OWN = hoursAgo(0);

export interface Counted {
  store: Store;
  folder: string;
  calls: Record<'list' | 'readText' | 'remove', number>;
  /** Requests under way at once. */
  most: number;
  /** The manifests that were read. */
  read: string[];
}

/** A real store in memory, which counts what is asked of it. */
export function counting(scratch: Scratch): Counted {
  const store = fileStore({ directory: scratch.path, cluster: CLUSTER.name });
  const counted: Counted = {
    store,
    folder: join(scratch.path, CLUSTER.name),
    calls: { list: 0, readText: 0, remove: 0 },
    most: 0,
    read: [],
  };
  let now = 0;
  const count = async <T>(call: keyof Counted['calls'], work: () => Promise<T>): Promise<T> => {
    counted.calls[call] += 1;
    now += 1;
    counted.most = Math.max(counted.most, now);
    try {
      return await work();
    } finally {
      now -= 1;
    }
  };
  counted.store = replaced(store, {
    list: () => count('list', () => store.list()),
    readText: (name) => {
      counted.read.push(name);
      return count('readText', () => store.readText(name));
    },
    remove: (name) => count('remove', () => store.remove(name)),
  });
  return counted;
}

/** At once: tens of thousands of promises would take most of the time of these tests. */
export function put(folder: string, name: string, changes = {}): void {
  writeFileSync(join(folder, name), 'bytes');
  writeFileSync(
    join(folder, manifestName(name)),
    formatManifest(sampleManifest({ ...agreeingWith(name), ...changes })),
  );
}

export async function placeOf(hours: Iterable<number>): Promise<Counted & AsyncDisposable> {
  const scratch = await scratchFolder('prune', '/dev/shm');
  const place = counting(scratch);
  await place.store.prepare();
  for (const hour of hours) put(place.folder, hoursAgo(hour));
  return Object.assign(place, { [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() });
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, hour) => hour);

export function find(
  place: Counted,
  keep: Partial<KeepPolicy>,
  limits?: Limits,
  now = NOW,
): Promise<Outdated> {
  const repository = { store: place.store, cluster: CLUSTER.name, clusterId: CLUSTER.id };
  return findOutdated(repository, { keep: { ...NONE, ...keep }, now, own: OWN }, limits);
}

/** The names of the data files that are there, the oldest first. */
export async function backupsIn({ store }: Counted): Promise<string[]> {
  const names = (await store.list()).map(({ name }) => name);
  return names.filter((name) => parseBackupName(name)).toSorted();
}

export const namesOf = (backups: readonly { name: string }[]): string[] => backups.map(({ name }) => name);
