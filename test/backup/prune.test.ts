import assert from 'node:assert/strict';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { manifestName } from '../../src/backup/names.ts';
import { filesOf } from '../../src/backup/catalog.ts';
import { LIMITS, prune } from '../../src/backup/prune.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { sampleManifest } from './sample.ts';
import { failsWith } from '../support/file-store.ts';
import {
  FOREIGN,
  hoursAgo,
  counting,
  put,
  placeOf,
  upTo,
  find,
  backupsIn,
  namesOf,
} from './counted-store.ts';

/** Ways to be no backup of this cluster, though the listing looks well. */
const FOREIGN_ONES: [what: string, make: (folder: string, name: string) => Promise<void>, reason: RegExp][] =
  [
    [
      'of another cluster',
      async (folder, name) => put(folder, name, FOREIGN),
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
    [
      'of which the manifest has no more than a head',
      async (folder, name) => {
        const { cluster, format, stored } = sampleManifest();
        await writeFile(join(folder, manifestName(name)), JSON.stringify({ format, name, cluster, stored }));
      },
      /^its manifest cannot be used: "member" is not an object/,
    ],
    [
      'that was copied under another name',
      async (folder, name) => put(folder, name, { startedAt: '2026-01-02T03:04:05.678Z' }),
      /^it was started at 2026-01-02T03:04:05Z by its manifest and 2026-11-2.T..:17:00Z by its name/,
    ],
    [
      'of another revision than its name says',
      async (folder, name) => put(folder, name, { revision: 4711 }),
      /^its revision is 4711 by its manifest and 9999\d\d by its name/,
    ],
    [
      'that is not compressed as its name says',
      async (folder, name) => put(folder, name, { compression: 'none' }),
      /^its compression is none by its manifest and zstd by its name/,
    ],
    [
      'that is encrypted, which its name does not say',
      async (folder, name) => put(folder, name, { encryption: { recipients: ['age1x'] } }),
      /^it is encrypted: yes by its manifest and no by its name/,
    ],
    [
      'whose manifest is too large to be one',
      (folder, name) => truncate(join(folder, manifestName(name)), 2 ** 20 + 1),
      /^its manifest cannot be used: .* is too large for a manifest/,
    ],
    ['without a manifest', (folder, name) => rm(join(folder, manifestName(name))), /^it has no manifest: /],
  ];

for (const [what, make, reason] of FOREIGN_ONES) {
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

test('one-byte files with the head of a manifest push no real backup out', async () => {
  await using place = await placeOf(upTo(11).map((hour) => hour + 24));
  put(place.folder, hoursAgo(0));
  const { cluster, format } = sampleManifest();
  for (const hour of [1, 2, 3, 4, 5, 6, 7]) {
    const name = hoursAgo(hour);
    const head = { format, name, cluster, stored: { size: 1, sha256: 'b'.repeat(64) } };
    await writeFile(join(place.folder, name), 'x');
    await writeFile(join(place.folder, manifestName(name)), JSON.stringify(head));
  }
  const { remove, kept, ignored } = await find(place, { last: 7 });
  assert.equal(kept, 7);
  assert.deepEqual(namesOf(remove), [34, 33, 32, 31, 30].map(hoursAgo));
  assert.equal(ignored.length, 7);
});

test('foreign backups by the dozen, each in the place of the next, are all passed over', async () => {
  await using place = await placeOf(upTo(120));
  for (let hour = 1; hour <= 60; hour += 1) put(place.folder, hoursAgo(hour), FOREIGN);
  const { remove, kept, ignored } = await find(place, { last: 3, daily: 3 });
  // Its own, the two after the foreign ones, and the newest of the day before those.
  const stay = [61, 62, 75];
  assert.equal(kept, 4);
  assert.equal(ignored.length, 60);
  const expected = upTo(120).filter((hour) => hour > 60 && !stay.includes(hour));
  assert.deepEqual(namesOf(remove).toSorted(), expected.map(hoursAgo).toSorted());
  assert.equal(place.calls.list, 1);
  assert.ok(place.calls.readText <= 119, 'no manifest is read twice');
});

test('too many foreign backups, and nothing is removed at all', async () => {
  await using place = await placeOf(upTo(40));
  for (let hour = 1; hour <= 20; hour += 1) put(place.folder, hoursAgo(hour), FOREIGN);
  await assert.rejects(
    find(place, { last: 2 }, { ...LIMITS, foreign: 10 }),
    failsWith(
      /^nothing was deleted in .*prod: more than 10 of the backups there are none of prod \(5cb4cc4d2c7d2c3a\)/,
    ),
  );
  assert.ok(place.calls.readText <= 12, `${place.calls.readText} manifests were read`);
  assert.equal((await find(place, { last: 2 })).kept, 2);
});

test('foreign backups among what is to go do not keep the rest for ever', async () => {
  await using place = await placeOf(upTo(60));
  for (let hour = 20; hour < 60; hour += 1) put(place.folder, hoursAgo(hour), FOREIGN);
  const limits = { ...LIMITS, removals: 10 };
  const stay = [0, ...upTo(60).slice(20)];
  const pruneOnce = async () => prune(place.store, (await find(place, { last: 1 }, limits)).remove);
  // Where it begins to look is chance.
  for (let run = 0; run < 300 && (await backupsIn(place)).length > stay.length; run += 1) await pruneOnce();
  for (let run = 0; run < 20; run += 1) await pruneOnce(); // which finds nothing more
  assert.deepEqual(await backupsIn(place), stay.map(hoursAgo).toSorted());
});

describe('a manifest that is left of a removal', () => {
  test('is cleared away when its backup would be, and stays when it would be kept', async () => {
    await using place = await placeOf(upTo(6));
    for (const hour of [1, 4]) await rm(join(place.folder, hoursAgo(hour)));
    const { remove, ignored } = await find(place, { last: 3 });
    assert.deepEqual(remove.map(filesOf), [
      [hoursAgo(5), manifestName(hoursAgo(5))],
      [manifestName(hoursAgo(4))],
    ]);
    assert.deepEqual(namesOf(ignored), [manifestName(hoursAgo(4)), manifestName(hoursAgo(1))]);
  });

  test("is not touched when it is another cluster's, and is mentioned once", async () => {
    await using place = await placeOf(upTo(3));
    put(place.folder, hoursAgo(9), FOREIGN);
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
  await using scratch = await scratchFolder('prune');
  const empty = { remove: [], kept: 0, future: [], ignored: [], left: 0 };
  assert.deepEqual(await find(counting(scratch), { last: 1 }), empty);
});
