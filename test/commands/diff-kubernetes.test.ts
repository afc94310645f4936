import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { changesBetween, filterKeys, type KeyChanges, keysAt, SHORT_LIVED } from '../support/key-changes.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/apiserver.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type BackedUpCluster, startBackedUpCluster } from './backed-up-cluster.ts';
import { jsonOf } from './run-command.ts';

let backedUp: BackedUpCluster;
let api: ApiServer;

before(async () => {
  backedUp = await startBackedUpCluster();
  api = await startApiServer({ etcd: backedUp.cluster });
});

after(async () => {
  await api[Symbol.asyncDispose]();
  await backedUp[Symbol.asyncDispose]();
});

const create = (...objects: object[]) =>
  api.kubectlWithInput(
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    'create',
    '-f',
    '-',
  );
const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const object = (kind: string, name: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'shop' },
});
const event = (name: string) => ({
  ...object('Event', name),
  involvedObject: { kind: 'Namespace', name: 'shop', namespace: 'shop' },
});

const GROUP = 'example.com';
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `carts.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'carts', singular: 'cart', kind: 'Cart' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const cart = (name: string) => ({ ...object('Cart', name), apiVersion: `${GROUP}/v1` });

const countsOf = ({ created, changed, deleted }: KeyChanges) => ({
  created: created.length,
  changed: changed.length,
  deleted: deleted.length,
});

async function take() {
  const name = await backedUp.backUp();
  const { revision } = JSON.parse(await readFile(join(backedUp.folder, `${name}.json`), 'utf8'));
  return { name, keys: await keysAt(backedUp.cluster, revision) };
}

test('what was done with kubectl is what diff tells, and nothing else', async () => {
  await create(namespace('shop'), DEFINITION);
  await api.kubectl('wait', '--for=condition=Established', `crd/carts.${GROUP}`);
  const names = ['kept', 'patched', 'deleted', 'again'];
  await create(...names.map((name) => object('ConfigMap', name)), object('Secret', 'rotated'));
  await create(cart('patched'), cart('deleted'), event('one'));
  const older = await take();

  const patch = ['--type=merge', '--patch={"metadata":{"labels":{"a":"b"}}}', '--namespace=shop'];
  for (const what of ['configmap/patched', 'secret/rotated', 'cart/patched'])
    await api.kubectl('patch', what, ...patch);
  await api.kubectl('delete', '--namespace=shop', 'configmap/deleted', 'configmap/again', 'cart/deleted');
  await create(
    object('ConfigMap', 'again'),
    object('ConfigMap', 'created'),
    event('two'),
    namespace('other'),
  );
  const newer = await take();

  const { created, changed, deleted, leftOut, groups } = await jsonOf(
    ['diff', older.name, 'latest'],
    backedUp.env,
  );
  const told = { created, changed, deleted };
  assert.deepEqual(filterKeys(told, /\/shop\/|\/namespaces\//), {
    created: ['/registry/configmaps/shop/created', '/registry/namespaces/other'],
    changed: [
      '/registry/configmaps/shop/again',
      '/registry/configmaps/shop/patched',
      `/registry/${GROUP}/carts/shop/patched`,
      '/registry/secrets/shop/rotated',
    ],
    deleted: ['/registry/configmaps/shop/deleted', `/registry/${GROUP}/carts/shop/deleted`],
  });
  const all = changesBetween(older.keys, newer.keys);
  assert.deepEqual(told, filterKeys(all, SHORT_LIVED, false));
  const shortLived = filterKeys(all, SHORT_LIVED);
  assert.ok(shortLived.created.includes('/registry/events/shop/two'));
  assert.deepEqual(leftOut, countsOf(shortLived));
  assert.deepEqual(
    groups.find(({ resource }: { resource: string }) => resource === `carts.${GROUP}`),
    { resource: `carts.${GROUP}`, namespace: 'shop', created: 0, changed: 1, deleted: 1 },
  );

  // What docs/troubleshooting.md says of a custom resource that is to be back.
  await using out = await scratchFolder('out');
  const file = join(out.path, 'snapshot.db');
  await jsonOf(['fetch', older.name, file], backedUp.env);
  await using scratch = await restoreSnapshot(file);
  const stored = await scratch.etcdctl('get', '--print-value-only', `/registry/${GROUP}/carts/shop/deleted`);
  const { metadata, ...rest } = JSON.parse(stored);
  const { uid: _uid, resourceVersion: _version, managedFields: _fields, ...kept } = metadata;
  await api.kubectlWithInput(JSON.stringify({ ...rest, metadata: kept }), 'create', '-f', '-');
  assert.match(await api.kubectl('get', '--namespace=shop', 'carts', '-o', 'name'), /carts?\.\S+\/deleted/);
});
