import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatManifest } from '../../src/backup/manifest.ts';
import { backupName, manifestName, parseBackupName } from '../../src/backup/names.ts';
import { findOutdated, type Limits, LIMITS, type Outdated } from '../../src/backup/outdated.ts';
import { prune } from '../../src/backup/prune.ts';
import type { Keep } from '../../src/backup/retention.ts';
import { openFileStore } from '../../src/storage/file/store.ts';
import type { Store } from '../../src/storage/store.ts';
import { AT_ONCE } from '../../src/util/parallel.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { CLUSTER, sampleManifest } from './sample.ts';
import { failsWith } from '../storage/file/place.ts';

const HOUR_MS = 60 * 60 * 1000;
const NOW = new Date('2026-11-22T02:17:30Z');
const NONE: Keep = { last: 0, daily: 0, weekly: 0, monthly: 0 };
const FOREIGN = { cluster: { ...CLUSTER, id: 'cafe' } };

/** The name of a backup that was made so many hours before now, to the hour and 17 minutes. */
function hoursAgo(hours: number): string {
  const at = new Date(Math.floor(NOW.getTime() / HOUR_MS - hours) * HOUR_MS + 17 * 60_000);
  return backupName({ at, revision: 1_000_000 - hours, compression: 'zstd' });
}

const OWN = hoursAgo(0);

interface Counted {
  store: Store;
  folder: string;
  calls: Record<'list' | 'readText' | 'remove', number>;
  /** Requests under way at once. */
  most: number;
  /** The manifests that were read. */
  read: string[];
}

/** A real store in memory, which counts what is asked of it. */
function counting(scratch: Scratch): Counted {
  const store = openFileStore({ directory: scratch.path, cluster: CLUSTER.name });
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
  counted.store = {
    ...store,
    list: () => count('list', () => store.list()),
    readText: (name) => {
      counted.read.push(name);
      return count('readText', () => store.readText(name));
    },
    remove: (name) => count('remove', () => store.remove(name)),
  };
  return counted;
}

/** At once: tens of thousands of promises would take most of the time of these tests. */
async function put(folder: string, name: string, changes = {}): Promise<void> {
  const revision = parseBackupName(name)?.revision ?? 0;
  writeFileSync(join(folder, name), 'bytes');
  writeFileSync(
    join(folder, manifestName(name)),
    formatManifest(sampleManifest({ name, revision, ...changes })),
  );
}

async function placeOf(hours: Iterable<number>): Promise<Counted & AsyncDisposable> {
  const scratch = await scratchFolder('outdated', '/dev/shm');
  const place = counting(scratch);
  await place.store.prepare();
  for (const hour of hours) await put(place.folder, hoursAgo(hour));
  return Object.assign(place, { [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, hour) => hour);

function find(place: Counted, keep: Partial<Keep>, limits?: Limits, now = NOW): Promise<Outdated> {
  return findOutdated(place.store, CLUSTER, { ...NONE, ...keep }, { now, own: OWN }, limits);
}

/** The names of the data files that are there, the oldest first. */
async function backupsIn({ store }: Counted): Promise<string[]> {
  const names = (await store.list()).map(({ name }) => name);
  return names.filter((name) => parseBackupName(name)).toSorted();
}

const namesOf = (backups: readonly { name: string }[]): string[] => backups.map(({ name }) => name);

describe('a store of 10,000 backups', () => {
  const HOURS = 10_000;
  let place: Counted & AsyncDisposable;

  before(async () => {
    place = await placeOf(upTo(HOURS));
  });

  after(() => place[Symbol.asyncDispose]());

  function reset(): void {
    Object.assign(place, { calls: { list: 0, readText: 0, remove: 0 }, most: 0, read: [] });
  }

  test('is read in one listing, and a manifest for each backup that is kept or goes', async () => {
    reset();
    const { remove, kept, left, ignored, future } = await find(place, { last: 7, daily: 14, monthly: 12 });
    // Two of the days and one of the months are among the last seven.
    assert.equal(kept, 7 + (14 - 2) + (12 - 1));
    assert.equal(remove.length, LIMITS.removals);
    assert.equal(left, HOURS - kept - LIMITS.removals);
    assert.deepEqual([ignored, future], [[], []]);
    const { calls, most } = place;
    // Not its own manifest: the run has just written it.
    assert.deepEqual(calls, { list: 1, readText: kept - 1 + LIMITS.removals, remove: 0 });
    assert.ok(most > 1 && most <= AT_ONCE, `${most} at once`);
  });

  test('costs one listing and no read where every rule is 0', async () => {
    reset();
    const { remove, kept } = await find(place, {});
    assert.deepEqual([remove, kept], [[], HOURS]);
    assert.deepEqual(place.calls, { list: 1, readText: 0, remove: 0 });
  });

  test('loses nothing to a clock that is years behind, and costs no more', async () => {
    reset();
    const { remove, kept, future } = await find(place, { last: 1 }, LIMITS, new Date('2020-01-01T00:00:00Z'));
    assert.deepEqual([remove, kept, future.length], [[], HOURS, HOURS - 1]);
    assert.deepEqual(place.calls, { list: 1, readText: 0, remove: 0 });
  });

  test('loses no more to a clock that is years ahead', async () => {
    reset();
    const keep = { last: 2, daily: 3 };
    const right = await find(place, keep);
    const ahead = await find(place, keep, LIMITS, new Date('2099-01-01T00:00:00Z'));
    assert.deepEqual([ahead.kept, ahead.left, ahead.future], [right.kept, right.left, []]);
  });
});

test('a store of many backups is worked off run by run, down to what the rules keep', async () => {
  const hours = 1000;
  await using place = await placeOf(upTo(hours));
  const keep = { last: 3, weekly: 2 };
  const limits = { ...LIMITS, removals: 300 };
  const runs: number[] = [];
  for (let left = 1; left > 0; ) {
    place.calls.remove = 0;
    const outdated = await find(place, keep, limits);
    const { removed, failures } = await prune(place.store, outdated.remove);
    assert.deepEqual(failures, []);
    assert.equal(place.calls.remove, 2 * removed.length);
    assert.ok(place.most <= AT_ONCE);
    runs.push(removed.length);
    left = outdated.left;
  }
  assert.deepEqual(runs, [300, 300, 300, hours - 4 - 900]);
  const expected = [hoursAgo(0), hoursAgo(1), hoursAgo(2)];
  const lastSunday = (await place.store.list())
    .map(({ name }) => name)
    .filter((name) => parseBackupName(name));
  assert.equal(lastSunday.length, 4);
  for (const name of expected) assert.ok(lastSunday.includes(name), name);
});

/** Ways to be no backup of this cluster, though the listing looks well. */
const STRANGERS: [what: string, make: (folder: string, name: string) => Promise<void>, reason: RegExp][] = [
  [
    'of another cluster',
    (folder, name) => put(folder, name, FOREIGN),
    /^it is a backup of the cluster prod \(cafe\)/,
  ],
  [
    'with a broken manifest',
    (folder, name) => writeFile(join(folder, manifestName(name)), '{'),
    /^its manifest cannot be used: it is not JSON/,
  ],
  [
    'that was cut short',
    (folder, name) => truncate(join(folder, name), 4),
    /^it has 4 bytes, and its manifest says 5/,
  ],
  ['without a manifest', (folder, name) => rm(join(folder, manifestName(name))), /^it has no manifest: /],
];

for (const [what, make, reason] of STRANGERS) {
  describe(`a backup ${what}`, () => {
    test('takes no place from a good one', async () => {
      await using place = await placeOf(upTo(6));
      for (const hour of [1, 2]) await make(place.folder, hoursAgo(hour));
      const { remove, kept, ignored } = await find(place, { last: 3 });
      assert.equal(kept, 3);
      assert.deepEqual(namesOf(remove), [hoursAgo(5)]);
      assert.deepEqual(namesOf(ignored), [hoursAgo(2), hoursAgo(1)]);
      for (const one of ignored) assert.match(one.reason, reason);
    });

    test('is not removed, whatever its age', async () => {
      await using place = await placeOf(upTo(6));
      for (const hour of [3, 5]) await make(place.folder, hoursAgo(hour));
      const { remove, ignored } = await find(place, { last: 1 });
      assert.deepEqual(namesOf(remove), [4, 2, 1].map(hoursAgo));
      assert.deepEqual(namesOf(ignored), [hoursAgo(5), hoursAgo(3)]);
    });

    test('makes nobody remove the last proved one, if all the others are so', async () => {
      await using place = await placeOf(upTo(5));
      for (const hour of [1, 2, 3, 4]) await make(place.folder, hoursAgo(hour));
      const { remove, kept, ignored } = await find(place, { last: 1 });
      assert.deepEqual([remove, kept], [[], 1]);
      assert.equal(ignored.length, 4);
    });
  });
}

test('strangers by the dozen, each in the place of the next, are all passed over', async () => {
  await using place = await placeOf(upTo(120));
  for (let hour = 1; hour <= 60; hour += 1) await put(place.folder, hoursAgo(hour), FOREIGN);
  const { remove, kept, ignored } = await find(place, { last: 3, daily: 3 });
  // Its own, the two after the strangers, and the newest of the day before those.
  const stay = [61, 62, 75];
  assert.equal(kept, 4);
  assert.equal(ignored.length, 60);
  const expected = upTo(120).filter((hour) => hour > 60 && !stay.includes(hour));
  assert.deepEqual(namesOf(remove).toSorted(), expected.map(hoursAgo).toSorted());
  assert.equal(place.calls.list, 1);
  assert.ok(place.calls.readText <= 119, 'no manifest is read twice');
});

test('too many strangers, and nothing is removed at all', async () => {
  await using place = await placeOf(upTo(40));
  for (let hour = 1; hour <= 20; hour += 1) await put(place.folder, hoursAgo(hour), FOREIGN);
  await assert.rejects(
    find(place, { last: 2 }, { ...LIMITS, strangers: 10 }),
    failsWith(
      /^nothing was deleted in .*prod: more than 10 of the backups there are none of prod \(5cb4cc4d2c7d2c3a\)/,
    ),
  );
  assert.ok(place.calls.readText <= 12, `${place.calls.readText} manifests were read`);
  assert.equal((await find(place, { last: 2 })).kept, 2);
});

test('strangers among what is to go do not keep the rest for ever', async () => {
  await using place = await placeOf(upTo(60));
  for (let hour = 20; hour < 60; hour += 1) await put(place.folder, hoursAgo(hour), FOREIGN);
  const limits = { ...LIMITS, removals: 10 };
  for (let night = 0; night < 300; night += 1) {
    const { remove } = await find(place, { last: 1 }, limits);
    await prune(place.store, remove);
  }
  assert.deepEqual(await backupsIn(place), [0, ...upTo(60).slice(20)].map(hoursAgo).toSorted());
});

describe('a manifest that is left of a removal', () => {
  test('is cleared away when its backup would be, and stays when it would be kept', async () => {
    await using place = await placeOf(upTo(6));
    for (const hour of [1, 4]) await rm(join(place.folder, hoursAgo(hour)));
    const { remove, ignored } = await find(place, { last: 3 });
    assert.deepEqual(
      remove.map(({ files }) => files),
      [[hoursAgo(5), manifestName(hoursAgo(5))], [manifestName(hoursAgo(4))]],
    );
    assert.deepEqual(namesOf(ignored), [manifestName(hoursAgo(4)), manifestName(hoursAgo(1))]);
  });

  test("is not touched when it is another cluster's, and is mentioned once", async () => {
    await using place = await placeOf(upTo(3));
    await put(place.folder, hoursAgo(9), FOREIGN);
    await rm(join(place.folder, hoursAgo(9)));
    const { remove, ignored } = await find(place, { last: 3 });
    assert.deepEqual(remove, []);
    assert.deepEqual(namesOf(ignored), [manifestName(hoursAgo(9))]);
    assert.match(ignored[0]?.reason ?? '', /^it is a backup of the cluster prod \(cafe\)/);
  });

  test('by the thousand costs no more than the limit', async () => {
    await using place = await placeOf(upTo(2000));
    for (let hour = 1; hour < 2000; hour += 1) await rm(join(place.folder, hoursAgo(hour)));
    const { remove } = await find(place, { last: 1 });
    assert.equal(remove.length, LIMITS.removals);
    assert.deepEqual(place.calls, { list: 1, readText: LIMITS.removals, remove: 0 });
  });
});

test('a store that was never used holds nothing', async () => {
  await using scratch = await scratchFolder('outdated');
  const empty = { remove: [], kept: 0, future: [], ignored: [], left: 0 };
  assert.deepEqual(await find(counting(scratch), { last: 1 }), empty);
});
