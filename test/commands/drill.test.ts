import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Receipt } from '../../src/commands/fetch-receipt.ts';
import type { Cluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';
import { startBackedUpCluster, type BackedUpCluster } from './backed-up-cluster.ts';

let backedUp: BackedUpCluster;
let out: Scratch;
let receipt: string;
let restored: Cluster;

before(async () => {
  backedUp = await startBackedUpCluster();
  out = await scratchFolder('out');
  await fill(backedUp.cluster, { keys: 100, valueBytes: 1000, overwrites: 3 });
  await backedUp.cluster.etcdctl('compact', '2');
  // The lock is in the backup, with its lease: what is restored must not change while it is looked at.
  await backedUp.backUp({ LOCK_TTL: '1h' });
  receipt = join(out.path, 'receipt.json');
  const file = join(out.path, 'snapshot.db');
  await jsonOf(['fetch', 'latest', file, '--receipt', receipt], backedUp.env);
  await fill(backedUp.cluster, { keys: 7, valueBytes: 10, prefix: '/registry/secrets/' });
  await backedUp.backUp();
  restored = await restoreSnapshot(file);
});

after(async () => {
  await restored?.[Symbol.asyncDispose]();
  await backedUp[Symbol.asyncDispose]();
  await out[Symbol.asyncDispose]();
});

/** The receipt with something else in its manifest. */
async function changed(change: (manifest: Receipt['manifest']) => object): Promise<string> {
  const path = join(out.path, `changed-${Math.random()}.json`);
  const told: Receipt = JSON.parse(await readFile(receipt, 'utf8'));
  await writeFile(
    path,
    JSON.stringify({ ...told, manifest: { ...told.manifest, ...change(told.manifest) } }),
  );
  return path;
}

test('drill compares with the very backup that was fetched, changes nothing, and tells how long it took', async () => {
  const { revision } = await restored.member(0).status();
  const told: Receipt = JSON.parse(await readFile(receipt, 'utf8'));
  const { backup, same, checks, wayBackSeconds } = await jsonOf(
    ['drill', '--receipt', receipt],
    restored.env,
  );
  assert.equal(backup, told.manifest.name);
  assert.equal(same, true);
  assert.deepEqual(
    checks.map(({ result }: { result: string }) => result),
    ['same', 'same', 'same'],
  );
  assert.equal(checks[1].found, told.manifest.keys);
  assert.equal(checks[2].found, told.manifest.hashKV?.hash);
  const most = (Date.now() - Date.parse(told.startedAt)) / 1000;
  assert.ok(wayBackSeconds > 0 && wayBackSeconds <= most, String(wayBackSeconds));
  assert.equal((await restored.member(0).status()).revision, revision);
});

test('drill is a table for people', async () => {
  const { stdout, stderr } = assertCommandEnded(
    await runCommand(['drill', '--receipt', receipt], restored.env),
    0,
  );
  assert.match(stdout, /^CHECK +MANIFEST +RESTORED +RESULT$/m);
  assert.match(stdout, /^keys at revision \d+ +(\d+) +\1 +same$/m);
  assert.match(stdout, /^HashKV at revision \d+ +(\d+) +\1 +same$/m);
  assert.match(stdout, /came back whole, \d+\.\d s after its fetch began\n$/);
  assert.equal(stderr, '');
});

test('drill without a receipt takes the manifest from the store', async () => {
  const env = { ...restored.env, ...backedUp.env };
  const { manifest }: Receipt = JSON.parse(await readFile(receipt, 'utf8'));
  const result = await jsonOf(['drill', manifest.name], env);
  assert.equal(result.backup, manifest.name);
  assert.equal(result.same, true);
  assert.equal(result.wayBackSeconds, undefined);
  const { stdout } = assertCommandEnded(await runCommand(['drill', manifest.name], env), 0);
  assert.match(stdout, /came back whole\n$/);
  // The newest backup is another one: its revision has not come back.
  assert.equal((await jsonOf(['drill'], env, 4)).checks[0].result, 'differs');
  await assertCommandRefused(
    ['drill', '20200101T000000Z-1.db'],
    env,
    4,
    /there is no backup 20200101T000000Z-1.db/,
  );
});

test('drill ends with 4 at any difference, and says which', async () => {
  const differences: [number, (manifest: Receipt['manifest']) => object][] = [
    [0, ({ revision }) => ({ revision: revision + 1_000_000 })],
    [1, ({ keys }) => ({ keys: keys + 1 })],
    [2, ({ hashKV }) => ({ hashKV: { ...hashKV, hash: 1 } })],
  ];
  for (const [index, change] of differences) {
    const { same, checks } = await jsonOf(['drill', '--receipt', await changed(change)], restored.env, 4);
    assert.equal(same, false);
    assert.equal(checks[index].result, 'differs');
    assert.equal(checks.filter(({ result }: { result: string }) => result === 'differs').length, 1);
  }
  const { stdout, stderr } = assertCommandEnded(
    await runCommand(['drill', '--receipt', await changed(() => ({ keys: 1 }))], restored.env),
    4,
  );
  assert.match(stdout, /DID NOT COME BACK WHOLE/);
  assert.match(stderr, /is not what its manifest says: do not rely on this backup/);
});

test('drill does not compare hashes that say nothing', async () => {
  const changes = [
    () => ({ hashKV: undefined }),
    ({ hashKV }: Receipt['manifest']) => ({ hashKV: { ...hashKV, compactRevision: 1 } }),
    ({ hashKV }: Receipt['manifest']) => ({ hashKV: { ...hashKV, revision: 1 } }),
  ];
  for (const change of changes) {
    const { checks } = await jsonOf(['drill', '--receipt', await changed(change)], restored.env);
    assert.equal(checks[2].result, 'not compared');
  }
});

test('drill refuses the cluster that the backup was taken of', async () => {
  await assertCommandRefused(
    ['drill', '--receipt', receipt],
    backedUp.cluster.env,
    2,
    /has the ID of the cluster that the backup was taken of/,
  );
});

test('drill wants a receipt, and an etcd that answers', async () => {
  await assertCommandRefused(
    ['drill', '--receipt', '/no/such/file'],
    restored.env,
    2,
    /\/no\/such\/file cannot be used: ENOENT/,
  );
  const path = join(out.path, 'wrong.json');
  for (const [text, problem] of [
    ['{', /it is not JSON/],
    ['{}', /"manifest" is not an object/],
    ['null', /it is not a JSON object/],
  ] as const) {
    await writeFile(path, text);
    await assertCommandRefused(['drill', '--receipt', path], restored.env, 2, problem);
  }
  const nowhere = { ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1', ETCDCTL_DIAL_TIMEOUT: '1s' };
  await assertCommandRefused(
    ['drill', '--receipt', receipt],
    nowhere,
    3,
    /no endpoint of ETCDCTL_ENDPOINTS answered/,
  );
});
