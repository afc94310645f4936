import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseManifest, type Manifest } from '../../src/backup/manifest.ts';
import { type AgeKey, ageKey } from '../support/age.ts';
import { fillRevisions } from '../support/fill.ts';
import { changesBetween, filterKeys, keysAt, SHORT_LIVED } from '../support/key-changes.ts';
import type { StoredValue } from '../support/read-keys.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { type BackedUpCluster, startBackedUpCluster } from './backed-up-cluster.ts';
import { assertCommandEnded, assertCommandRefused, jsonOf, runCommand } from './run-command.ts';

/** One backup, and what etcd held as of its revision. */
interface Taken {
  name: string;
  revision: number;
  keys: Map<string, StoredValue>;
}

let backedUp: BackedUpCluster;
let out: Scratch;
let key: AgeKey;
let first: Taken;
let second: Taken;
/** after a compaction; encrypted */
let third: Taken;

const at = (path: string): string => `/registry/${path}`;

before(async () => {
  backedUp = await startBackedUpCluster();
  out = await scratchFolder('out');
  key = await ageKey(out.path, 'key');
  for (const name of ['kept', 'changed', 'deleted', 'again', 'twice', 'lost'])
    await put(`configmaps/shop/${name}`);
  for (const name of ['gone', 'back']) await put(`secrets/shop/${name}`);
  await remove('secrets/shop/gone', 'secrets/shop/back');
  for (const path of ['events/shop/one', 'leases/kube-system/one', 'namespaces/shop']) await put(path);
  await backedUp.cluster.etcdctl('put', 'outside', 'of Kubernetes');
  first = await take();

  await put('configmaps/shop/created');
  for (const name of ['changed', 'twice', 'twice']) await put(`configmaps/shop/${name}`);
  await remove('configmaps/shop/deleted', 'configmaps/shop/again', 'events/shop/one');
  for (const path of ['configmaps/shop/again', 'secrets/shop/back', 'minions/cp-1']) await put(path);
  for (const path of ['events/shop/two', 'leases/kube-system/one', 'services/specs/shop/web'])
    await put(path);
  await put('pods/shop/came');
  await remove('pods/shop/came');
  // One revision for several keys.
  await backedUp.cluster.etcdctlWithInput(
    `\n${['put /registry/pods/shop/a 1', 'put /registry/pods/shop/b 1', 'del /registry/configmaps/shop/lost'].join('\n')}\n\n\n`,
    'txn',
  );
  second = await take();

  await remove('configmaps/shop/kept', 'pods/shop/a', 'outside');
  await put('configmaps/shop/changed');
  await backedUp.cluster.etcdctl('compact', '--physical', String(await currentRevision()));
  await put('configmaps/shop/last');
  third = await take({ BACKUP_AGE_RECIPIENTS: key.recipient });
});

after(async () => {
  await backedUp[Symbol.asyncDispose]();
  await out[Symbol.asyncDispose]();
});

const put = (path: string) => backedUp.cluster.etcdctl('put', at(path), `of ${path}`);

async function remove(...paths: string[]): Promise<void> {
  for (const path of paths) await backedUp.cluster.etcdctl('del', path.includes('/') ? at(path) : path);
}

async function currentRevision(): Promise<number> {
  const [status] = await backedUp.cluster.status();
  return status?.revision ?? assert.fail();
}

async function take(env?: Record<string, string>): Promise<Taken> {
  const name = await backedUp.backUp(env);
  const { revision } = await manifestOf(backedUp.folder, name);
  return { name, revision, keys: await keysAt(backedUp.cluster, revision) };
}

async function manifestOf(folder: string, name: string): Promise<Manifest> {
  const parsed = parseManifest(await readFile(join(folder, `${name}.json`), 'utf8'));
  return parsed.ok ? parsed.value : assert.fail(parsed.problem);
}

const withKey = () => ({ ...backedUp.env, BACKUP_AGE_IDENTITY_FILE: key.file });
const diff = (older: Taken, newer: Taken, ...args: string[]) =>
  jsonOf(['diff', older.name, newer.name, ...args], withKey());

const tableOf = async (...args: string[]) =>
  assertCommandEnded(await runCommand(['diff', first.name, second.name, ...args], backedUp.env), 0);
const assertMistaken = (args: string[], words: RegExp) =>
  assertCommandRefused(['diff', ...args], backedUp.env, 2, words);

describe('what etcd says itself', () => {
  const pairs: [what: string, pair: () => [Taken, Taken]][] = [
    ['with all of the history there', () => [first, second]],
    ['with a compaction between the two', () => [second, third]],
    ['over both', () => [first, third]],
  ];
  for (const [what, pair] of pairs) {
    test(`is what diff tells, ${what}`, async () => {
      const [older, newer] = pair();
      const expected = changesBetween(older.keys, newer.keys);
      const { created, changed, deleted, ...told } = await diff(older, newer, '--all');
      assert.deepEqual({ created, changed, deleted }, expected);
      assert.deepEqual([told.older, told.newer], [older.name, newer.name]);
      assert.deepEqual(told.revisions, { older: older.revision, newer: newer.revision });
      assert.deepEqual(told.leftOut, { created: 0, changed: 0, deleted: 0 });
    });
  }

  test('is not empty in these tests', () => {
    const { created, changed, deleted } = changesBetween(first.keys, third.keys);
    assert.ok(created.includes(at('secrets/shop/back')) && !created.includes(at('pods/shop/came')));
    assert.ok(changed.includes(at('configmaps/shop/again')));
    assert.ok(deleted.includes(at('configmaps/shop/lost')) && deleted.includes('outside'));
  });
});

test('Leases and Events are counted only, unless asked for', async () => {
  const all = changesBetween(first.keys, second.keys);
  const { created, changed, deleted, leftOut, groups } = await diff(first, second);
  assert.deepEqual({ created, changed, deleted }, filterKeys(all, SHORT_LIVED, false));
  assert.deepEqual(leftOut, { created: 1, changed: 1, deleted: 1 });
  assert.deepEqual(groups, [
    { resource: 'configmaps', namespace: 'shop', created: 1, changed: 3, deleted: 2 },
    { resource: 'nodes', namespace: '', created: 1, changed: 0, deleted: 0 },
    { resource: 'pods', namespace: 'shop', created: 2, changed: 0, deleted: 0 },
    { resource: 'secrets', namespace: 'shop', created: 1, changed: 0, deleted: 0 },
    { resource: 'services', namespace: 'shop', created: 1, changed: 0, deleted: 0 },
  ]);
});

test('for people it is a table of how many, and the keys, the deleted ones first', async () => {
  const { stdout, stderr } = await tableOf();
  assert.equal(stderr, '');
  const lines = stdout.split('\n');
  assert.match(lines[0] ?? '', /^RESOURCE +NAMESPACE +CREATED +CHANGED +DELETED$/);
  assert.match(lines[1] ?? '', /^configmaps +shop +1 +3 +2$/);
  assert.match(lines[2] ?? '', /^nodes +- +1 +0 +0$/);
  assert.match(lines[6] ?? '', /^\(together\) +6 +3 +2$/);
  assert.deepEqual(lines.slice(7, 11), [
    '',
    'WAS      KEY',
    'deleted  /registry/configmaps/shop/deleted',
    'deleted  /registry/configmaps/shop/lost',
  ]);
  assert.match(stdout, /^created {2}\/registry\/minions\/cp-1$/m);
  assert.match(
    stdout,
    /\nLeases and Events are left out \(1 created, 1 changed, 1 deleted\): --all shows them\n$/,
  );

  const short = (await tableOf('--top', '1', '--all')).stdout;
  assert.match(short, /^\.\.\. +5 more of configmaps in shop: --top says how many are shown$/m);
  assert.match(short, /^events +shop +1 +0 +1$/m);
  assert.doesNotMatch(short, /lost|left out/);
});

test('latest is the newer one; the older one has a name, and is another', async () => {
  const { newer } = await jsonOf(['diff', first.name, 'latest'], withKey());
  assert.equal(newer, third.name);
  await assertMistaken(['latest', second.name], /latest can only be the newer one/);
  await assertMistaken([third.name, 'latest'], /both are .*: there is nothing between a backup and itself/);
  await assertMistaken([second.name, first.name], /was taken before .*: the older one comes first, diff /);
  await assertMistaken([first.name, 'newest'], /"newest" is no backup's name/);
});

test('an encrypted one needs its identity, and a damaged one is not compared', async () => {
  await assertCommandRefused(
    ['diff', first.name, third.name],
    backedUp.env,
    4,
    new RegExp(`the backup ${third.name} cannot be used: it is encrypted .*BACKUP_AGE_IDENTITY_FILE`),
  );
  await using store = await ownStore();
  for (const { name } of [first, second]) {
    const file = join(store.folder, name);
    const bytes = await readFile(file);
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    await writeFile(file, bytes);
    await assertCommandRefused(
      ['diff', first.name, second.name],
      store.env,
      4,
      /the backup .* cannot be used: /,
    );
  }
});

describe('another history', () => {
  /** What went on from the first backup in another cluster. */
  let fork: string;
  let store: Awaited<ReturnType<typeof ownStore>>;

  before(async () => {
    store = await ownStore();
    const file = join(out.path, 'first.db');
    await jsonOf(['fetch', first.name, file], store.env);
    await using restored = await restoreSnapshot(file);
    // The run that took the backup held it, and it would be waited for.
    await restored.etcdctl('del', 'etcd-upkeep/lock');
    await fillRevisions(restored, 40, { prefix: at('pods/shop/'), keys: 1 });
    await restored.etcdctl('compact', '--physical', String(first.revision + 20));
    fork = await backedUp.backUp({ ...restored.env, ...store.env });
  });

  after(() => store[Symbol.asyncDispose]());

  async function edit(change: (manifest: Manifest) => object): Promise<void> {
    const manifest = await manifestOf(store.folder, fork);
    await writeFile(join(store.folder, `${fork}.json`), JSON.stringify({ ...manifest, ...change(manifest) }));
  }

  test('is refused by what the manifests say, and by what is in the backups', async () => {
    const refused = (older: string, newer: string, ...words: RegExp[]) =>
      assertCommandRefused(['diff', older, newer], store.env, 2, /not of one history/, ...words);
    const files = await filesBelow(store.folder);
    await refused(second.name, fork, /the cluster's ID changed from \w+ to \w+: restored, or made anew/);

    const { cluster } = await manifestOf(store.folder, first.name);
    await edit(() => ({ cluster, raftTerm: 1 }));
    await refused(second.name, fork, /the raft term fell from \d+ to 1/);

    await edit(() => ({ raftTerm: 1000 }));
    await refused(second.name, fork, /at revision \d+ one of them holds a write that the other never had/);
    assert.deepEqual(await filesBelow(store.folder), files, 'nothing was written');
  });

  test('that begins with the older one cannot be told from its own', async () => {
    const { cluster } = await manifestOf(store.folder, first.name);
    await edit(() => ({ cluster, raftTerm: 1000 }));
    const { created, deleted } = await jsonOf(['diff', first.name, fork], store.env);
    assert.deepEqual({ created, deleted }, { created: [at('pods/shop/000000')], deleted: [] });
  });
});

/** A copy of the store. */
async function ownStore() {
  const scratch = await scratchFolder('store');
  const folder = join(scratch.path, 'prod');
  await cp(backedUp.folder, folder, { recursive: true });
  const env = { BACKUP_STORE: `file://${scratch.path}` };
  return { env, folder, [Symbol.asyncDispose]: scratch[Symbol.asyncDispose] };
}
