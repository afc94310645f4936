import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCatalog } from '../../src/backup/catalog.ts';
import { backupName, manifestName } from '../../src/backup/names.ts';
import { readPast } from '../../src/history/read.ts';
import { CLUSTER, putBackup } from '../backup/sample.ts';
import { emptyStore } from '../backup/small-store.ts';
import { replaced } from '../support/file-store.ts';
import { fullUsage } from '../support/usage.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 22, 8);
const nameOf = (hours: number): string =>
  backupName({ at: new Date(NOW - hours * HOUR), revision: 100_000 - hours, compression: 'zstd' });

test('a manifest that is too large, broken or of another name is left out, and the next one read', async () => {
  await using place = await emptyStore();
  for (const hours of [1, 2, 3, 4, 5]) await putBackup(place.store, nameOf(hours));
  await truncate(join(place.folder, manifestName(nameOf(1))), 2 ** 20 + 1);
  await truncate(join(place.folder, manifestName(nameOf(2))), 100);
  const { store } = place;
  const past = await readPast({ store, cluster: CLUSTER.name }, await readCatalog(store), 2);
  assert.deepEqual(
    past.backups.map(({ entry }) => entry.name),
    [nameOf(3), nameOf(4)],
  );
  assert.deepEqual(
    past.leftOut.map(({ name }) => name),
    [nameOf(1), nameOf(2)],
  );
  assert.match(past.leftOut[0]?.problem ?? '', /is too large for a manifest/);
  assert.match(past.leftOut[1]?.problem ?? '', /it is not JSON/);
  assert.equal(past.unread, 1);
});

test('of what fills a database no key and no namespace is kept', async () => {
  await using place = await emptyStore();
  const usage = fullUsage(1024);
  await putBackup(place.store, nameOf(1), { usage });
  await putBackup(place.store, nameOf(2));
  const { store } = place;
  const { backups } = await readPast({ store, cluster: CLUSTER.name }, await readCatalog(store), 2);
  assert.deepEqual(
    backups.map(({ manifest }) => manifest.usage),
    [{ total: usage.total, resources: usage.resources }, undefined],
  );
});

test('of 50,000 backups that are none a hundred are looked into', async () => {
  await using place = await emptyStore();
  let reads = 0;
  const store = replaced(place.store, {
    list: () =>
      Promise.resolve(
        Array.from({ length: 50_000 }, (_, hours) => nameOf(hours)).flatMap((name) =>
          [name, manifestName(name)].map((file) => ({ name: file, size: 5 })),
        ),
      ),
    readText: () => {
      reads += 1;
      return Promise.resolve('{}');
    },
  });
  const past = await readPast({ store, cluster: CLUSTER.name }, await readCatalog(store), 60);
  assert.deepEqual([past.backups.length, past.leftOut.length, past.unread], [0, 100, 49_900]);
  assert.ok(reads <= 104, `${reads} manifests were read`);
});
