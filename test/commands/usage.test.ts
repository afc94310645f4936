import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Etcd3 } from 'etcd3';
import { formatManifest, type Manifest, parseManifest } from '../../src/backup/manifest.ts';
import type { Usage } from '../../src/bolt/usage/types.ts';
import { type AgeKey, ageKey } from '../support/age.ts';
import { connectEtcd } from '../support/etcd-client.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { askUsage } from '../support/usage-oracle.ts';
import { type BackedUpCluster, startBackedUpCluster } from './backed-up-cluster.ts';
import { assertCommandEnded, assertCommandRefused, jsonOf, runCommand } from './run-command.ts';

let backedUp: BackedUpCluster;
let client: Etcd3;
let scratch: Scratch;
let age: AgeKey;
let name: string;
let encrypted: string;

const BINARY = Buffer.from([0x61, 0xff, 0x00, 0x1b, 0x5b, 0x32, 0x4a]);
const EVIL = '/registry/pods/shop/evil\u001b[2J\u202e';

before(async () => {
  backedUp = await startBackedUpCluster();
  scratch = await scratchFolder('usage');
  age = await ageKey(scratch.path, 'key');
  client = await connectEtcd(backedUp.cluster, backedUp.cluster.member(0));
  await write();
  name = await backedUp.backUp();
  encrypted = await backedUp.backUp({ BACKUP_AGE_RECIPIENTS: age.recipient });
});

after(async () => {
  client.close();
  await backedUp[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const put = (key: string | Buffer, bytes: number) => client.put(key).value(Buffer.alloc(bytes, 'v'));

/** Of everything that etcd can write something: changed, deleted and made again, several keys in one transaction. */
async function write(): Promise<void> {
  const pods = (first: number, step: number, bytes: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: Math.floor((300 - first) / step) }, (_, index) => {
        const at = first + index * step;
        return put(`/registry/pods/ns-${at % 7}/pod-${at}`, bytes + at);
      }),
    );
  await pods(0, 1, 300);
  await pods(0, 3, 100);
  for (let at = 0; at < 40; at += 1) await put('/registry/leases/kube-node-lease/cp-1', 200);
  for (let at = 0; at < 5; at += 1) await put(`/registry/nodes/node-${at}`, 70_000);
  await client.delete().prefix('/registry/pods/ns-3/');
  await pods(3, 14, 50);
  const puts = Array.from({ length: 60 }, (_, at) =>
    client.put(`/registry/secrets/shop/s${at}`).value('x'.repeat(at)),
  );
  await client
    .if('/registry/nodes/node-0', 'Version', '>', 0)
    .then(...puts, client.delete().key('/registry/nodes/node-4'))
    .commit();
  await put('/registry/services/specs/shop/web', 900);
  await put('/registry/services/endpoints/shop/web', 90);
  await put('/registry/cert-manager.io/certificates/shop/tls', 4000);
  await put('/registry/apiregistration.k8s.io/apiservices/v1.', 10);
  await put('compact_rev_key', 4);
  await put(BINARY, 6000);
  await put(EVIL, 5000);
  await put('/registry/pods/shop/empty', 0);
}

/** By the list of what was written. */
function placeOf(key: string): { resource: string; namespace: string } {
  const [, , first = '', second = '', third = ''] = key.split('/');
  if (!key.startsWith('/registry/')) return { resource: '(other keys)', namespace: '' };
  if (first === 'services')
    return { resource: second === 'specs' ? 'services' : 'endpoints', namespace: third };
  if (first === 'cert-manager.io') return { resource: 'certificates.cert-manager.io', namespace: third };
  if (first.includes('.')) return { resource: 'apiservices.apiregistration.k8s.io', namespace: '' };
  return { resource: first, namespace: first === 'nodes' ? '' : second };
}

const named = (rows: Record<string, unknown>[], by: string) =>
  Object.fromEntries(rows.map(({ [by]: its, ...figures }) => [its, figures]));

const byKey = (list: Record<string, unknown>[], field: string) =>
  new Map(list.map((one) => [one.key, one[field]]));

const textOf = (hex: string): string =>
  hex === BINARY.toString('hex') ? 'a\udcff\u0000\u001b[2J' : Buffer.from(hex, 'hex').toString();

async function rewriteManifest(changes: Partial<Manifest>): Promise<void> {
  const file = join(backedUp.folder, `${name}.json`);
  const manifest = parseManifest(await readFile(file, 'utf8'));
  assert.ok(manifest.ok);
  await writeFile(file, formatManifest({ ...manifest.value, ...changes }));
}

test('what is read out of a backup is what etcd itself says', async () => {
  const { revision, backup, source, ...usage } = await jsonOf(['usage', name, '--top', '1000'], backedUp.env);
  const asked = await askUsage(client, revision, placeOf);
  assert.deepEqual([backup, source], [name, 'backup']);
  assert.deepEqual(usage.total, asked.total);
  assert.ok(
    asked.total.historyBytes > 0 && asked.total.keys < asked.revisions.size,
    JSON.stringify(asked.total),
  );
  assert.deepEqual(named(usage.resources, 'resource'), asked.byResource);
  assert.deepEqual(named(usage.namespaces, 'namespace'), asked.byNamespace);
  assert.deepEqual(
    byKey(usage.largest, 'bytes'),
    new Map([...asked.bytes].map(([key, bytes]) => [textOf(key), bytes])),
  );
  assert.deepEqual(
    byKey(usage.mostRevised, 'revisions'),
    new Map([...asked.revisions].map(([key, revisions]) => [textOf(key), revisions])),
  );
  for (const [list, field] of [
    [usage.largest, 'bytes'],
    [usage.mostRevised, 'revisions'],
  ] as const) {
    const scores = list.map((one: Record<string, number>) => one[field]);
    assert.deepEqual(
      scores,
      scores.toSorted((a: number, b: number) => b - a),
    );
  }
});

test('a run has counted the same, and its manifest has the first of each', async () => {
  const read = await jsonOf(['usage', name, '--top', '51'], backedUp.env);
  const told = await jsonOf(['usage', name], backedUp.env);
  assert.deepEqual([read.source, told.source], ['backup', 'manifest']);
  for (const list of ['largest', 'mostRevised']) read[list].pop();
  assert.deepEqual(told, { ...read, source: 'manifest' });
});

test('for people it is tables, the largest first, and what to do about it', async () => {
  const { stdout, stderr } = assertCommandEnded(
    await runCommand(['usage', name, '--top', '60'], backedUp.env),
    0,
  );
  assert.match(stderr, new RegExp(`^${name} of prod in .*, as of revision \\d+$`, 'm'));
  assert.match(
    stdout,
    /^RESOURCE +SHARE +LIVE +HISTORY +KEYS +REVISIONS\nnodes +\d[\d.]* % +273\.4 KiB +68\.4 KiB +4 +6$/m,
  );
  assert.match(stdout, /^all +100 % /m);
  assert.match(stdout, /^\(none\) /m);
  assert.match(stdout, /^40 +\/registry\/leases\/kube-node-lease\/cp-1$/m);
  assert.match(stdout, /evil<U\+001B>\[2J<U\+202E>$/m);
  assert.match(stdout, /a<U\+DCFF><U\+0000><U\+001B>\[2J$/m);
});

test('an encrypted backup is read with its identity, and without it told what is missing', async () => {
  const args = ['usage', encrypted, '--top', '70'];
  await assertCommandRefused(
    args,
    backedUp.env,
    4,
    /cannot be used: it is encrypted .*BACKUP_AGE_IDENTITY_FILE/,
  );
  const { backup } = await jsonOf(args, { ...backedUp.env, BACKUP_AGE_IDENTITY_FILE: age.file });
  assert.equal(backup, encrypted);
});

test('another prefix tells objects from other keys', async () => {
  const env = { ...backedUp.env, OBJECT_PREFIX: '/registry/pods' };
  const { resources } = await jsonOf(['usage', name, '--top', '70'], env);
  assert.ok(resources.some(({ resource }: { resource: string }) => resource === 'ns-1'));
  await assertCommandRefused(['usage'], { ...backedUp.env, OBJECT_PREFIX: 'x' }, 2, /OBJECT_PREFIX/);
});

describe('where the manifest tells of it', () => {
  const figures = { keys: 1, revisions: 5, liveBytes: 10, historyBytes: 40 };
  const usage: Usage = {
    total: { keys: 20, revisions: 100, liveBytes: 200, historyBytes: 800 },
    resources: Array.from({ length: 20 }, (_, at) => ({
      resource: at === 0 ? 'events' : `r${at}`,
      ...figures,
    })),
    namespaces: [{ namespace: 'shop', keys: 20, revisions: 100, liveBytes: 200, historyBytes: 800 }],
    largest: Array.from({ length: 20 }, (_, at) => ({ key: `/registry/r${at}/x`, bytes: 10 })),
    mostRevised: Array.from({ length: 20 }, (_, at) => ({ key: `/registry/r${at}/x`, revisions: 5 })),
  };
  before(() => rewriteManifest({ usage }));

  test('JSON has all of it, and the backup is not read', async () => {
    const { source, total, resources, namespaces, largest, mostRevised } = await jsonOf(
      ['usage', name],
      backedUp.env,
    );
    assert.deepEqual(
      { source, total, resources, namespaces, largest, mostRevised },
      { source: 'manifest', ...usage },
    );
  });

  test('a table has ten of each and the rest together, --top as many as it says', async () => {
    const { stdout } = assertCommandEnded(await runCommand(['usage', name], backedUp.env), 0);
    assert.match(stdout, /^r9 [^]*^other +50 % +100 B +400 B +10 +50\nall +100 %/m);
    assert.match(stdout, /^80 % is history: .*COMPACTION_RETENTION/m);
    assert.equal(stdout.match(/\/registry\//g)?.length, 20);
    const { resources, largest } = await jsonOf(['usage', name, '--top=3'], backedUp.env);
    assert.deepEqual([resources.length, largest.length], [4, 3]);
  });

  test('for more than it can have the backup is read, which has to be whole', async () => {
    assert.equal((await jsonOf(['usage', name, '--top', '51'], backedUp.env)).source, 'backup');
    const file = join(backedUp.folder, name);
    const whole = await readFile(file);
    await truncate(file, whole.length - 1);
    await assertCommandRefused(['usage', name], backedUp.env, 4, /cannot be used/);
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(whole.length - 50) ^ 1, whole.length - 50);
    await writeFile(file, damaged);
    await assertCommandRefused(['usage', name, '--top', '51'], backedUp.env, 4, /cannot be used/);
    await writeFile(file, whole);
  });
});

test('Events that fill it are named', async () => {
  const events = { resource: 'events', keys: 90, revisions: 90, liveBytes: 900, historyBytes: 0 };
  const { resource: _resource, ...total } = events;
  const usage = {
    total,
    resources: [events],
    namespaces: [{ namespace: '', ...total }],
    largest: [],
    mostRevised: [],
  };
  await rewriteManifest({ usage });
  const { stdout } = assertCommandEnded(await runCommand(['usage', name], backedUp.env), 0);
  assert.match(stdout, /^100 % are Events: .*--event-ttl/m);
});
