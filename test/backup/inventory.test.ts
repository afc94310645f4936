import assert from 'node:assert/strict';
import { mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Interrupted } from '../../src/errors.ts';
import { type ClusterIdentity, problemOf, type StoredBackup, takeStock } from '../../src/backup/inventory.ts';
import { manifestName } from '../../src/backup/names.ts';
import { prune } from '../../src/backup/prune.ts';
import { openFileStore } from '../../src/storage/file/store.ts';
import type { Store } from '../../src/storage/store.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { CLUSTER, putBackup } from './sample.ts';

const FIRST = '20260301T021500Z-100.db.zst';
const SECOND = '20260302T021500Z-200.db';

async function emptyStore() {
  const scratch = await scratchFolder('inventory');
  const store = openFileStore({ directory: scratch.path, cluster: CLUSTER.name });
  await store.prepare();
  return {
    store,
    folder: join(scratch.path, CLUSTER.name),
    [Symbol.asyncDispose]: scratch[Symbol.asyncDispose],
  };
}

/** Everything that looks like a backup, each one looked into; the oldest first. */
async function readBackups(store: Store, cluster: ClusterIdentity) {
  const { backups, remnants, ignored } = await takeStock(store);
  const found: Record<'backups' | 'remnants', StoredBackup[]> = { backups: [], remnants: [] };
  for (const backup of backups.toReversed()) {
    const reason = await problemOf(store, backup, cluster);
    if (reason === undefined) found.backups.push(backup);
    else ignored.push({ name: backup.name, reason });
  }
  for (const remnant of remnants) {
    if ((await problemOf(store, remnant, cluster)) === undefined) found.remnants.push(remnant);
  }
  return { ...found, ignored };
}

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
      files: [FIRST, manifestName(FIRST)],
    },
    {
      name: SECOND,
      at: new Date('2026-03-02T02:15:00Z'),
      revision: 200,
      compression: 'none',
      encrypted: false,
      storedSize: 5,
      files: [SECOND, manifestName(SECOND)],
    },
  ]);
  assert.deepEqual([remnants, ignored], [[], []]);
});

test('a backup of a later version, compressed and encrypted in ways unknown here, is one', async () => {
  await using place = await emptyStore();
  const name = '20260301T021500Z-100.db.gz.age';
  // @ts-expect-error gzip is what this version does not write
  await putBackup(place.store, name, { compression: 'gzip', encryption: { recipients: ['age1x'] } });
  const { backups } = await readBackups(place.store, CLUSTER);
  assert.deepEqual(
    backups.map(({ compression, encrypted }) => ({ compression, encrypted })),
    [{ compression: 'gzip', encrypted: true }],
  );
});

test('a store that was never used holds nothing', async () => {
  await using scratch = await scratchFolder('inventory');
  const store = openFileStore({ directory: join(scratch.path, 'missing'), cluster: CLUSTER.name });
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
    remnants.map(({ name, files }) => ({ name, files })),
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

test('pruning removes what it is given and nothing else', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  await putBackup(place.store, SECOND);
  await writeFile(join(place.folder, 'notes.txt'), 'mine');
  const { backups } = await readBackups(place.store, CLUSTER);
  assert.deepEqual(await prune(place.store, backups.slice(0, 1)), { removed: [FIRST], failures: [] });
  assert.deepEqual(
    (await readdir(place.folder)).toSorted(),
    [SECOND, manifestName(SECOND), 'notes.txt'].toSorted(),
  );
});

test('one that cannot be removed keeps its manifest, is returned, and does not keep the others', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  await putBackup(place.store, SECOND);
  const { backups } = await readBackups(place.store, CLUSTER);
  await place.store.remove(FIRST);
  await mkdir(join(place.folder, FIRST)); // in the data file's place, and no regular file
  const { removed, failures } = await prune(place.store, backups);
  assert.deepEqual(removed, [SECOND]);
  assert.deepEqual(
    failures.map(({ name }) => name),
    [FIRST],
  );
  assert.match(failures[0]?.error.message ?? '', /was not removed: it is not a regular file/);
  assert.deepEqual((await readdir(place.folder)).toSorted(), [FIRST, manifestName(FIRST)]);
});

test('what is already gone counts as removed', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  const { backups } = await readBackups(place.store, CLUSTER);
  await prune(place.store, backups);
  assert.deepEqual(await prune(place.store, backups), { removed: [FIRST], failures: [] });
});

test('a run that is told to end stops pruning at once', async () => {
  await using place = await emptyStore();
  await putBackup(place.store, FIRST);
  await putBackup(place.store, SECOND);
  const { backups } = await readBackups(place.store, CLUSTER);
  const end = new Interrupted('SIGTERM');
  const ending: Store = { ...place.store, remove: () => Promise.reject(end) };
  await assert.rejects(prune(ending, backups), end);
});
