import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Interrupted } from '../../src/errors.ts';
import { manifestName } from '../../src/backup/names.ts';
import { prune } from '../../src/backup/prune.ts';
import { CLUSTER, putBackup } from './sample.ts';
import { replaced } from '../support/file-store.ts';
import { FIRST, SECOND, emptyStore, readBackups } from './small-store.ts';

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
  const ending = replaced(place.store, { remove: () => Promise.reject(end) });
  await assert.rejects(prune(ending, backups), end);
});
