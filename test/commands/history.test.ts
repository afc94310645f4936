import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fill } from '../support/fill.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';
import { DAY, hundredManifests, inventedManifest, MIB, putInvented } from './invented-manifests.ts';
import { usageOf } from '../support/usage.ts';
import { startBackedUpCluster, type BackedUpCluster } from './backed-up-cluster.ts';

describe('history of real runs', () => {
  let backedUp: BackedUpCluster;
  let names: string[];

  before(async () => {
    backedUp = await startBackedUpCluster();
    names = [];
    for (const keys of [20, 100, 400]) {
      await fill(backedUp.cluster, { keys, valueBytes: 5_000 });
      names.push(await backedUp.backUp());
    }
  });

  after(() => backedUp[Symbol.asyncDispose]());

  test('tells what their manifests tell, oldest first', async () => {
    const told = await jsonOf(['history'], backedUp.env);
    assert.equal(told.store, backedUp.folder);
    assert.equal(told.cluster, 'prod');
    assert.deepEqual(
      told.nights.map(({ name }: { name: string }) => name),
      names,
    );
    const [first, second, last] = told.nights;
    assert.ok(last.revisionsSince > 0 && last.keys > first.keys);
    assert.equal(last.revisionsSince, last.revision - second.revision);
    assert.equal(last.revisionsPerDay, undefined, 'seconds are too short for it');
    assert.ok(last.inUseBytes > first.inUseBytes && last.inUseBytes <= last.rawBytes);
    assert.ok(last.quotaBytes >= 2 ** 31 && last.seconds > 0 && last.bytesPerSecond > 0);
    assert.equal(told.forecast.kind, 'unknown');
  });

  test('is a table with two sparklines and a forecast, without a variable of etcd', async () => {
    const env = { ...backedUp.env, ETCDCTL_CACERT: '/no/such/file', QUOTA_BYTES: 'much' };
    const { stdout, stderr } = assertCommandEnded(await runCommand(['history'], env), 0);
    const [head = '', ...lines] = stdout.split('\n');
    assert.match(
      head,
      /^TIME \(UTC\) +REVISION +PER DAY +SIZE +IN USE +OF QUOTA +STORED +TOOK +SPEED +NOTES$/,
    );
    assert.equal(lines.slice(0, 3).filter((line) => /^\d{4}-.* [KM]iB\/s$/.test(line)).length, 3, stdout);
    assert.match(stdout, /\nSIZE +[▁-█]{3} +\S+ [KM]iB to .*\nIN USE +[▁-█]{3} /);
    assert.match(stdout, /\nno forecast: it takes 5 nights, and there are 3\n$/);
    assert.equal(stderr, `3 nights of prod; complete backups in ${backedUp.folder}: 3\n`);
  });

  test('shows as many as are asked for, the newest', async () => {
    const { nights } = await jsonOf(['history', '--last', '2'], backedUp.env);
    assert.deepEqual(
      nights.map(({ name }: { name: string }) => name),
      names.slice(1),
    );
    assert.ok(nights[0].revisionsSince > 0, 'the night before is known, though it is not shown');
  });

  test('is one page that names the cluster', async () => {
    const { stdout } = assertCommandEnded(await runCommand(['history', '-o', 'html'], backedUp.env), 0);
    assert.match(stdout, /^<!doctype html>\n[^]*<h1>prod<\/h1>[^]*<\/html>\n$/);
    for (const title of ['Size of the database', 'Revisions a day', 'How long', 'Throughput'])
      assert.match(stdout, new RegExp(`<svg [^>]*aria-label="${title}`));
  });
});

describe('history of a hundred nights', () => {
  const now = Date.now();
  let scratch: Scratch;
  let env: Record<string, string>;

  before(async () => {
    scratch = await scratchFolder('store');
    await putInvented(join(scratch.path, 'prod'), hundredManifests(now));
    env = { BACKUP_STORE: `file://${scratch.path}` };
  });

  after(() => scratch[Symbol.asyncDispose]());

  test('shows gaps, restored clusters and wrong clocks', async () => {
    const { stdout } = assertCommandEnded(await runCommand(['history', '--last=100'], env), 0);
    assert.equal(stdout.match(/since the backup before/g)?.length, 4);
    assert.match(stdout, / 8 days since the backup before/);
    assert.match(stdout, /the revision fell from \d+ to \d+: restored, or a clock was wrong/);
    assert.match(stdout, /restored with a revision that was lifted/);
    assert.match(stdout, /dated after now: a clock was wrong/);
    assert.match(stdout, /the member cp-2 did not answer/);
    assert.doesNotMatch(stdout, / -\d/, 'nothing is negative');
    assert.match(stdout, /\nSIZE +[▁-█]\|[▁-█ ]+\|[▁-█]+\|[▁-█ ]+  \d/);
    assert.match(stdout, /reaches the quota of 512\.0 MiB in [\d.]+ days \(by \d+ nights\)\n$/);
  });

  test('tells what fills it, by resource, and by no key', async () => {
    const { stdout } = assertCommandEnded(await runCommand(['history', '--last=100'], env), 0);
    assert.match(
      stdout,
      /\nlargest: pods [\d.]+ MiB, [\d.]+ MiB of it history \(\+[\d.]+ MiB in \d+ nights\)\nat the present pace/,
    );
    const { nights } = await jsonOf(['history', '--last', '100'], env);
    const { usage } = nights.at(-2);
    assert.deepEqual(Object.keys(usage), ['total', 'resources']);
    assert.deepEqual(Object.keys(usage.resources[1]), [
      'resource',
      'keys',
      'revisions',
      'liveBytes',
      'historyBytes',
    ]);
    assert.ok(nights.some((night: object) => !('usage' in night)));
  });

  test('rests its forecast on the same nights however few are shown', async () => {
    const few = await jsonOf(['history', '--last', '3'], env);
    const many = await jsonOf(['history', '--last', '60'], env);
    assert.equal(few.nights.length, 3);
    assert.equal(few.forecast.nights, many.forecast.nights);
    assert.equal(few.backups, 100);
  });
});

test('no more than 400 manifests are read, whatever there is', async () => {
  await using scratch = await scratchFolder('store');
  const now = Date.now();
  const nights = Array.from({ length: 450 }, (_, night) =>
    inventedManifest({ at: now - (450 - night) * DAY, revision: 1000 + night }),
  );
  const folder = join(scratch.path, 'prod');
  await putInvented(folder, nights);
  for (const { name } of nights.slice(0, 50)) await writeFile(join(folder, `${name}.json`), 'unread');
  const told = await jsonOf(['history', '--last', '400'], { BACKUP_STORE: `file://${scratch.path}` });
  assert.equal(told.nights.length, 400);
  assert.deepEqual(told.leftOut, []);
});

test('a manifest that cannot be used is left out and named, and only all of them are a failure', async () => {
  await using scratch = await scratchFolder('store');
  const env = { BACKUP_STORE: `file://${scratch.path}` };
  const folder = join(scratch.path, 'prod');
  const nights = [3, 2, 1].map((ago) =>
    inventedManifest({ at: Date.now() - ago * DAY, revision: 100 - ago }),
  );
  const [oldest = '', middle = '', newest = ''] = nights.map(({ name }) => name);
  await putInvented(folder, nights);
  await writeFile(join(folder, `${oldest}.json`), '{}');
  await truncate(join(folder, middle), 1);
  const { stdout, stderr } = assertCommandEnded(await runCommand(['history'], env), 0);
  assert.equal(stdout.match(/^20/gm)?.length, 1);
  assert.match(stderr, new RegExp(`${oldest} is left out: its manifest cannot be used`));
  assert.match(stderr, new RegExp(`${middle} is left out: it has 1 bytes`));
  assert.equal((await jsonOf(['history'], env)).leftOut.length, 2);
  await truncate(join(folder, newest), 1);
  await assertCommandRefused(['history'], env, 4, /not one manifest in .* can be used: .*it has 1 bytes/);
});

test('a store without backups is no failure, and says so in every form', async () => {
  await using scratch = await scratchFolder('store');
  const env = { BACKUP_STORE: `file://${scratch.path}` };
  await assertCommandRefused(['history'], env, 0, /no backup of any cluster/);
  assert.deepEqual(await jsonOf(['history'], env), { nights: [] });
  const page = assertCommandEnded(await runCommand(['history', '-o', 'html'], env), 0).stdout;
  assert.match(page, /<h1>No backups<\/h1><p>There is no backup of any cluster/);
  await putInvented(join(scratch.path, 'prod'), []);
  await writeFile(join(scratch.path, 'prod/20260305T021500Z-4711.db.zst'), 'without a manifest');
  await assertCommandRefused(['history'], env, 0, /there is no complete backup in .*prod/);
  await assertCommandRefused(['history'], { BACKUP_STORE: 'file:///no/such/folder' }, 4, /could not list/);
});

test('nothing of a manifest can obey as markup, or steer a terminal', async () => {
  await using scratch = await scratchFolder('<img src=x>');
  const problems = ['<script>alert(1)</script>', '\u001b[2J"&\'\nsecond line'];
  const usage = usageOf({ '<img src=y>\u001b[2J': [MIB, 0] });
  const night = inventedManifest({ at: Date.now() - DAY, problems, usage, database: { inUse: 5 * MIB } });
  await putInvented(join(scratch.path, 'prod'), [night]);
  const env = { BACKUP_STORE: `file://${encodeURI(scratch.path)}` };
  const page = assertCommandEnded(await runCommand(['history', '-o', 'html'], env), 0).stdout;
  assert.doesNotMatch(page, /<script|<img/);
  assert.ok(!page.includes('\u001b'));
  assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;; &lt;U\+001B&gt;\[2J&quot;&amp;&#39;\n?/);
  assert.match(page, /&lt;img src=x&gt;/);
  assert.match(page, /<span class="key fill fill0">&lt;img src=y&gt;&lt;U\+001B&gt;\[2J<\/span>/);
  const { stdout } = assertCommandEnded(await runCommand(['history'], env), 0);
  assert.ok(!stdout.includes('\u001b'));
  assert.match(stdout, /^largest: <img src=y><U\+001B>\[2J 1\.0 MiB, 0 B of it history$/m);
  assert.match(stdout, /^20.*alert.*<U\+001B>\[2J.*<U\+000A>second line$/m);
  assert.match(stdout, /no forecast: the newest backup's manifest names no quota/);
});
