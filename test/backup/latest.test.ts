import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCatalog } from '../../src/backup/catalog.ts';
import { findLatest } from '../../src/backup/latest.ts';
import { backupName } from '../../src/backup/names.ts';
import type { CatalogEntry } from '../../src/backup/catalog.ts';
import type { Store } from '../../src/storage/store.ts';
import { replaced } from '../support/file-store.ts';
import { CLUSTER, putBackup } from './sample.ts';
import { emptyStore } from './small-store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 10, 22, 8);
const OTHER = 'cafe';

const nameOf = (hours: number): string =>
  backupName({
    at: new Date(NOW - hours * HOUR),
    revision: 100_000 - Math.floor(hours),
    compression: 'zstd',
  });

/** Backups so many hours before now, each of the ID beside it. */
async function putAll(store: Store, backups: Record<number, string>): Promise<void> {
  for (const [hours, id] of Object.entries(backups))
    await putBackup(store, nameOf(Number(hours)), { cluster: { ...CLUSTER, id } });
}

async function latestIn(store: Store, clusterId?: string) {
  return findLatest({ store, cluster: CLUSTER.name, clusterId }, await readCatalog(store), NOW);
}

const nameIn = (latest: Awaited<ReturnType<typeof latestIn>>): string | undefined =>
  latest.kind === 'found' ? latest.entry.name : undefined;

describe('the latest backup', () => {
  test('is the newest, and nothing is passed over', async () => {
    await using place = await emptyStore();
    await putAll(place.store, { 3: CLUSTER.id, 2: CLUSTER.id, 1: CLUSTER.id });
    const latest = await latestIn(place.store);
    assert.equal(nameIn(latest), nameOf(1));
    assert.deepEqual(latest.kind === 'found' && latest.passedOver, []);
  });

  test('is not one that was copied under a newer name, nor one that is not whole', async () => {
    await using place = await emptyStore();
    await putAll(place.store, { 3: CLUSTER.id });
    await putBackup(place.store, nameOf(2), { startedAt: '2026-11-01T00:00:00Z' });
    await place.store.writeText(nameOf(1), 'without a manifest');
    const latest = await latestIn(place.store);
    assert.equal(nameIn(latest), nameOf(3));
    assert.ok(latest.kind === 'found');
    assert.deepEqual(
      latest.passedOver.map(({ name }) => name),
      [nameOf(1), nameOf(2)],
    );
    assert.match(
      latest.passedOver[1]?.problem ?? '',
      /it was started at 2026-11-01T00:00:00Z by its manifest/,
    );
  });

  test('may be dated ten minutes after now, and no more', async () => {
    await using place = await emptyStore();
    await putAll(place.store, { 3: CLUSTER.id, [-9 / 60]: CLUSTER.id, [-11 / 60]: CLUSTER.id });
    await putBackup(place.store, '20990101T000000Z-5.db.zst');
    const latest = await latestIn(place.store);
    assert.equal(nameIn(latest), nameOf(-9 / 60));
    assert.ok(latest.kind === 'found');
    assert.deepEqual(
      latest.passedOver.map(({ name, problem }) => [name, /dated after this machine's clock/.test(problem)]),
      [
        ['20990101T000000Z-5.db.zst', true],
        [nameOf(-11 / 60), true],
      ],
    );
  });

  test('is none where all of them are dated after now', async () => {
    await using place = await emptyStore();
    await putAll(place.store, { [-3]: CLUSTER.id });
    assert.equal((await latestIn(place.store)).kind, 'none');
  });

  test('of a cluster that was made anew is the new one, and both IDs are told', async () => {
    await using place = await emptyStore();
    await putAll(place.store, { 4: OTHER, 3: OTHER, 2: CLUSTER.id, 1: CLUSTER.id });
    const latest = await latestIn(place.store);
    assert.equal(nameIn(latest), nameOf(1));
    assert.deepEqual(latest.kind === 'found' && latest.stretches, [
      { clusterId: CLUSTER.id, newest: nameOf(1) },
      { clusterId: OTHER, newest: nameOf(3) },
    ]);
  });

  test('of two clusters that take turns is neither, unless it is said which', async () => {
    await using place = await emptyStore();
    await putAll(place.store, { 4: OTHER, 3: CLUSTER.id, 2: OTHER, 1: CLUSTER.id });
    assert.deepEqual(await latestIn(place.store), {
      kind: 'several-clusters',
      newest: [
        { clusterId: CLUSTER.id, newest: nameOf(1) },
        { clusterId: OTHER, newest: nameOf(2) },
      ],
    });
    const other = await latestIn(place.store, OTHER);
    assert.equal(nameIn(other), nameOf(2));
    assert.deepEqual(other.kind === 'found' && other.passedOver.map(({ name }) => name), [nameOf(1)]);
    assert.equal((await latestIn(place.store, 'beef')).kind, 'none');
  });
});

describe('of 50,000 backups', () => {
  const entries: CatalogEntry[] = Array.from({ length: 50_000 }, (_, hours) => ({
    name: nameOf(hours),
    at: new Date(NOW - hours * HOUR),
    revision: 100_000 - hours,
    compression: 'zstd',
    encrypted: false,
    storedSize: 5,
    hasManifest: true,
  }));

  /** Looks for the latest, and counts the manifests that were read for it. */
  async function readsFor(text: (name: string) => Promise<string | undefined>) {
    await using place = await emptyStore();
    let reads = 0;
    const readText = (name: string): Promise<string | undefined> => {
      reads += 1;
      return text(name);
    };
    const store = replaced(place.store, { readText });
    const latest = await findLatest({ store, cluster: CLUSTER.name }, entries, NOW);
    return { latest, reads };
  }

  test('that are all planted no more than a thousand are looked into', async () => {
    const { latest, reads } = await readsFor(() => Promise.resolve('{}'));
    assert.equal(reads, 1000);
    assert.equal(latest.kind === 'none' && latest.unread, 49_000);
  });

  test('that are manifests alone all are passed over, and the good one before them is found', async () => {
    await using place = await emptyStore();
    await putBackup(place.store, nameOf(60_000));
    const alone = entries.map((entry) => ({ ...entry, storedSize: undefined }));
    const repository = { store: place.store, cluster: CLUSTER.name };
    const latest = await findLatest(repository, [...alone, ...(await readCatalog(place.store))], NOW);
    assert.equal(nameIn(latest), nameOf(60_000));
  });

  test('that are all good the newest few are looked into', async () => {
    await using place = await emptyStore();
    for (let hours = 0; hours < 60; hours += 1) await putBackup(place.store, nameOf(hours));
    const { latest, reads } = await readsFor((name) => place.store.readText(name));
    assert.equal(nameIn(latest), nameOf(0));
    assert.ok(reads >= 50 && reads < 60, `${reads}`);
  });
});
