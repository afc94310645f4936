import assert from 'node:assert/strict';
import { mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesOf } from '../../src/backup/catalog.ts';
import { manifestName } from '../../src/backup/names.ts';
import { prune } from '../../src/backup/prune.ts';
import type { Store } from '../../src/storage/store.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { CLUSTER, putBackup } from './sample.ts';
import { fileStore } from '../support/file-store.ts';
import { FIRST, SECOND, emptyStore, readBackups } from './small-store.ts';

test('backups are pairs of a data file and a manifest of this cluster', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  await putBackup(place.store, SECOND, { compression: 'none' });
  const { backups, remnants, ignored } = await readBackups(place.store, CLUSTER);
  assert.deepEqual(backups, [
    {
      name: FIRST,
      at: new Date('2026-03-01T02:15:00Z'),
      revision: 100,
      compression: 'zstd',
      encrypted: false,
      storedSize: 5,
      hasManifest: true,
    },
    {
      name: SECOND,
      at: new Date('2026-03-02T02:15:00Z'),
      revision: 200,
      compression: 'none',
      encrypted: false,
      storedSize: 5,
      hasManifest: true,
    },
  ]);
  assert.deepEqual(backups.map(filesOf), [
    [FIRST, manifestName(FIRST)],
    [SECOND, manifestName(SECOND)],
  ]);
  assert.deepEqual([remnants, ignored], [[], []]);
});

test('a backup of a later version, compressed and encrypted in ways unknown here, is one', async () => {
  await using place = await emptyStore();
  const name = '20260301T021500Z-100.db.gz.age';
  await putBackup(place.store, name, { compression: 'gzip', encryption: { recipients: ['age1x'] } });
  const { backups } = await readBackups(place.store, CLUSTER);
  assert.deepEqual(
    backups.map(({ compression, encrypted }) => ({ compression, encrypted })),
    [{ compression: 'gzip', encrypted: true }],
  );
});

test('a store that was never used holds nothing', async () => {
  await using scratch = await scratchFolder('catalog');
  const store = fileStore({ directory: join(scratch.path, 'missing'), cluster: CLUSTER.name });
  assert.deepEqual(await readBackups(store, CLUSTER), { backups: [], remnants: [], ignored: [] });
});

/** Each makes one thing that is not a backup of this cluster, beside one that is. */
const NOT_OURS: {
  what: string;
  make: (place: { store: Store; folder: string }) => Promise<void>;
  reason: RegExp;
}[] = [
  {
    what: 'a data file without a manifest',
    make: ({ store }) => store.writeText(SECOND, 'bytes'),
    reason: /^it has no manifest: /,
  },
  {
    what: 'a broken manifest',
    make: async ({ store }) => {
      await store.writeText(SECOND, 'bytes');
      await store.writeText(manifestName(SECOND), '{"format":1,');
    },
    reason: /^its manifest cannot be used: it is not JSON$/,
  },
  {
    what: 'an empty manifest',
    make: async ({ store }) => {
      await store.writeText(SECOND, 'bytes');
      await store.writeText(manifestName(SECOND), '');
    },
    reason: /^its manifest cannot be used: it is not JSON$/,
  },
  {
    what: 'a manifest that is too large to be one',
    make: async ({ store, folder }) => {
      await putBackup(store, SECOND);
      await truncate(join(folder, manifestName(SECOND)), 2 ** 20 + 1);
    },
    reason: /^its manifest cannot be used: .* is too large for a manifest/,
  },
  {
    what: 'a manifest of another format',
    // @ts-expect-error there is no other format yet
    make: ({ store }) => putBackup(store, SECOND, { format: 2 }),
    reason: /^its manifest cannot be used: "format" is not 1$/,
  },
  {
    what: 'a manifest that was copied from another backup',
    make: ({ store }) => putBackup(store, SECOND, { name: FIRST }),
    reason: /^its manifest is that of 20260301T021500Z-100\.db\.zst$/,
  },
  {
    what: 'a cluster of the same name with another ID',
    make: ({ store }) => putBackup(store, SECOND, { cluster: { ...CLUSTER, id: 'cafe' } }),
    reason: /^it is a backup of the cluster prod \(cafe\), not of prod \(5cb4cc4d2c7d2c3a\)$/,
  },
  {
    what: 'a cluster of the same ID with another name',
    make: ({ store }) => putBackup(store, SECOND, { cluster: { ...CLUSTER, name: 'test' } }),
    reason: /^it is a backup of the cluster test \(5cb4cc4d2c7d2c3a\), not of prod /,
  },
  {
    what: 'a data file that is shorter than its manifest says',
    make: async ({ store, folder }) => {
      await putBackup(store, SECOND);
      await truncate(join(folder, SECOND), 4);
    },
    reason: /^it has 4 bytes, and its manifest says 5: it was cut short or replaced$/,
  },
];

for (const { what, make, reason } of NOT_OURS) {
  test(`reported, and no backup: ${what}`, async () => {
    await using place = await emptyStore();
    await putBackup(place.store, FIRST);
    await make(place);
    const { backups, remnants, ignored } = await readBackups(place.store, CLUSTER);
    assert.deepEqual(
      backups.map(({ name }) => name),
      [FIRST],
    );
    assert.deepEqual(remnants, []);
    assert.deepEqual(
      ignored.map(({ name }) => name),
      [SECOND],
    );
    assert.match(ignored[0]?.reason ?? '', reason);
  });
}

test('what has no name of a backup is not mentioned; links and folders with such names are none', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  await writeFile(join(place.folder, 'notes.txt'), 'mine');
  await writeFile(join(place.folder, 'notes.json'), '{}');
  await symlink(join(place.folder, FIRST), join(place.folder, SECOND));
  await mkdir(join(place.folder, '20260303T021500Z-300.db'));
  const { backups, ignored } = await readBackups(place.store, CLUSTER);
  assert.equal(backups.length, 1);
  assert.deepEqual(ignored, []);
});

test('a manifest of ours whose data file is gone is a remnant, and a later run can clear it away', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  await place.store.remove(FIRST); // as far as a removal came before the pod was killed
  const { backups, remnants, ignored } = await readBackups(place.store, CLUSTER);
  assert.deepEqual(backups, []);
  assert.deepEqual(ignored, [{ name: manifestName(FIRST), reason: 'its data file is missing' }]);
  assert.deepEqual(
    remnants.map((remnant) => ({ name: remnant.name, files: filesOf(remnant) })),
    [{ name: FIRST, files: [manifestName(FIRST)] }],
  );
  assert.deepEqual(await prune(place.store, remnants), { removed: [FIRST], failures: [] });
  assert.deepEqual(await readdir(place.folder), []);
});

test("another cluster's manifest without a data file is no remnant of ours", async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST, { cluster: { ...CLUSTER, id: 'cafe' } });
  await place.store.remove(FIRST);
  const { remnants, ignored } = await readBackups(place.store, CLUSTER);
  assert.deepEqual(remnants, []);
  assert.deepEqual(
    ignored.map(({ name }) => name),
    [manifestName(FIRST)],
  );
});
