import assert from 'node:assert/strict';
import { copyFile, cp, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';
import { startBackedUpCluster, type BackedUpCluster } from './backed-up-cluster.ts';

let backedUp: BackedUpCluster;
let first: string;
let second: string;

before(async () => {
  backedUp = await startBackedUpCluster();
  await fill(backedUp.cluster, { keys: 20, valueBytes: 10_000, overwrites: 2, compressible: true });
  first = await backedUp.backUp();
  await fill(backedUp.cluster, { keys: 1, valueBytes: 10 });
  second = await backedUp.backUp({ BACKUP_COMPRESSION: 'none' });
});

after(() => backedUp[Symbol.asyncDispose]());

test('list shows the newest backup first, with both sizes', async () => {
  const listed = await jsonOf(['list'], backedUp.env);
  assert.equal(listed.store, backedUp.folder);
  assert.equal(listed.cluster, 'prod');
  assert.deepEqual(
    listed.backups.map(({ name }: { name: string }) => name),
    [second, first],
  );
  const [newest, oldest] = listed.backups;
  assert.deepEqual(
    [newest.compression, newest.encrypted, newest.complete, oldest.compression],
    ['none', false, true, 'zstd'],
  );
  assert.equal(newest.storedBytes, newest.rawBytes + 32);
  assert.ok(oldest.storedBytes < oldest.rawBytes);
  assert.ok(newest.revision > oldest.revision);
  assert.match(newest.clusterId, /^[0-9a-f]{1,16}$/);
  assert.equal(oldest.clusterId, newest.clusterId);
  assert.equal(newest.revision, Number(/-(\d+)\.db$/.exec(second)?.[1]));
  assert.ok(newest.ageSeconds >= 0 && newest.ageSeconds < 300);
  assert.ok(Math.abs(Date.now() - Date.parse(newest.time)) < 300_000);
});

test('list is a table for people, and what it says about the place is no part of it', async () => {
  const { stdout, stderr } = assertCommandEnded(await runCommand(['list'], backedUp.env), 0);
  const [head = '', ...rows] = stdout.trimEnd().split('\n');
  assert.match(head, /^NAME +TIME \(UTC\) +AGE +REVISION +STORED +RAW +CLUSTER ID +ENCRYPTED +COMPLETE$/);
  assert.equal(rows.length, 2);
  assert.match(
    rows[0] ?? '',
    new RegExp(`^${second} +\\d{4}-\\d\\d-\\d\\d .* (KiB|MiB) +[0-9a-f]+ +no +yes$`),
  );
  assert.match(stderr, /^2 backups of prod in /);
});

test('list needs nothing of etcd, and no certificate', async () => {
  const env = {
    ...backedUp.env,
    ETCDCTL_CACERT: '/no/such/file',
    ETCDCTL_ENDPOINTS: 'nonsense',
    QUOTA_BYTES: 'much',
  };
  assert.equal((await jsonOf(['list'], env)).backups.length, 2);
});

test('list tells what is not complete, and why', async () => {
  await using scratch = await scratchFolder('store');
  const folder = join(scratch.path, 'prod');
  await cp(backedUp.folder, folder, { recursive: true });
  await copyFile(join(folder, first), join(folder, '20260101T000000Z-1.db.zst'));
  await copyFile(join(folder, `${first}.json`), join(folder, '20260101T000000Z-2.db.json'));
  await copyFile(join(folder, first), join(folder, '20260101T000000Z-3.db.zst'));
  await copyFile(join(folder, `${first}.json`), join(folder, '20260101T000000Z-3.db.zst.json'));
  await writeFile(join(folder, '20260101T000000Z-4.db.gz.age'), 'x');
  await writeFile(join(folder, '20260101T000000Z-4.db.gz.age.json'), '{}');
  await truncate(join(folder, second), 1000);
  for (const name of ['notes.txt', '.hidden', 'snapshot.db', '20260230T000000Z-5.db'])
    await writeFile(join(folder, name), name);
  const { backups } = await jsonOf(['list'], { BACKUP_STORE: `file://${scratch.path}` });
  const told = Object.fromEntries(
    backups.map(({ name, complete, problem }: Record<string, unknown>) => [name, problem ?? complete]),
  );
  assert.deepEqual(Object.keys(told), [
    second,
    first,
    '20260101T000000Z-4.db.gz.age',
    '20260101T000000Z-3.db.zst',
    '20260101T000000Z-2.db',
    '20260101T000000Z-1.db.zst',
  ]);
  assert.match(String(told[second]), /it has 1000 bytes, and its manifest says \d+/);
  assert.equal(told[first], true);
  assert.match(
    String(told['20260101T000000Z-4.db.gz.age']),
    /its manifest cannot be used: "format" is not 1|"format" is missing/,
  );
  assert.match(String(told['20260101T000000Z-3.db.zst']), new RegExp(`its manifest is that of ${first}`));
  assert.equal(told['20260101T000000Z-2.db'], 'its data file is missing');
  assert.match(String(told['20260101T000000Z-1.db.zst']), /it has no manifest/);
});

test('without CLUSTER_NAME the only cluster is taken, and several are named', async () => {
  await using scratch = await scratchFolder('store');
  const env = { BACKUP_STORE: `file://${scratch.path}` };
  await assertCommandRefused(['list'], env, 0, /no backup of any cluster in .*BACKUP_STORE/);
  await assertCommandRefused(['verify'], env, 4, /no backup of any cluster in .*BACKUP_STORE/);
  assert.deepEqual(await jsonOf(['list'], env), { backups: [] });
  await cp(backedUp.folder, join(scratch.path, 'blue'), { recursive: true });
  await mkdir(join(scratch.path, 'lost+found'));
  await rm(join(scratch.path, 'lost+found'), { recursive: true });
  assert.equal((await jsonOf(['list'], env)).cluster, 'blue');
  await mkdir(join(scratch.path, 'green'));
  for (const args of [['list'], ['verify'], ['fetch', 'latest', join(scratch.path, 'out')]])
    await assertCommandRefused(args, env, 2, /2 clusters, so CLUSTER_NAME should say which: blue, green/);
  assert.equal((await jsonOf(['list'], { ...env, CLUSTER_NAME: 'blue' })).backups.length, 2);
  for (const name of ['green', 'red']) {
    const words = new RegExp(`no backup in .*/${name}, but .*blue`);
    await assertCommandRefused(['list'], { ...env, CLUSTER_NAME: name }, 0, words);
    await assertCommandRefused(['verify'], { ...env, CLUSTER_NAME: name }, 4, words);
  }
});

test('what is wrong with the store is told at once, and nothing else is looked at', async () => {
  const env = { BACKUP_STORE: 'file://relative', CLUSTER_NAME: '../up', ETCDCTL_CACERT: '/no/such/file' };
  await assertCommandRefused(['list'], env, 2, /BACKUP_STORE is .*\n.*CLUSTER_NAME is/);
  await assertCommandRefused(
    ['list'],
    { BACKUP_STORE: 'file:///no/such/folder' },
    4,
    /could not list \/no\/such\/folder/,
  );
});

test('10,000 backups are listed quickly and in little memory, also through a pipe', async () => {
  await using scratch = await scratchFolder('store');
  const folder = join(scratch.path, 'prod');
  await mkdir(folder);
  const start = Date.UTC(1999, 0, 1);
  for (let number = 0; number < 10_000; number += 1) {
    const time = new Date(start + number * 86_400_000).toISOString().replace(/[-:]|\.\d+/g, '');
    await writeFile(join(folder, `${time}-${number}.db`), 'x');
    await writeFile(join(folder, `${time}-${number}.db.json`), '{}');
  }
  const result = assertCommandEnded(
    await runJob({ BACKUP_STORE: `file://${scratch.path}` }, { args: ['list', '-o', 'json'] }),
    0,
  );
  const { backups } = JSON.parse(result.stdout);
  assert.equal(backups.length, 10_000);
  const lookedInto = backups.filter(({ complete }: { complete: boolean }) => !complete);
  assert.equal(lookedInto.length, 50, 'only so many manifests were read');
  assert.ok((result.peakRssBytes ?? Number.NaN) < 256 * 2 ** 20, `${result.peakRssBytes} bytes`);
});
