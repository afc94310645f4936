import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../support/etcd-cluster.ts';
import type { EtcdAuth } from '../support/etcdctl.ts';
import { connectEtcd } from '../support/etcd-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/apiserver.ts';
import { apiServiceOf, definitionOf, store } from '../support/kubernetes/stored-objects.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type BackedUpCluster, startBackedUpCluster } from './backed-up-cluster.ts';
import { jsonOf } from './run-command.ts';

const GROUP = 'shop.example.com';
/** Longer than any name is shown. */
const LONG_GROUP = `${'x'.repeat(60)}.${'y'.repeat(60)}.example.com`;
export const LONG = `deeps.${LONG_GROUP}`.slice(0, 120);
/** Nobody is there. */
const CONVERTER = 'https://127.0.0.1:1/';
/** Long enough for a backup to have it, and over when the drill is. */
const EVENT_SECONDS = 20;

/** Who gets in where authentication is on. */
export const ROOT = { user: 'root', password: 'of the backup' };

/** Backups of one cluster as time goes by: their names. */
export interface KubernetesBackups extends AsyncDisposable {
  /** As years of use leave it, with authentication on. */
  guarded: string;
  /** Later, when objects are encrypted. */
  sealed: string;
  /** Then with objects that nobody can read. */
  damaged: string;
  /** Fetches one and serves it, for as long as the backups are there. */
  restore(name: string, auth?: EtcdAuth): Promise<Restored>;
  /** EncryptionConfigurations: of the cluster, and one that has only the key of the custom resources. */
  keys: { right: string; lost: string };
}

export interface Restored {
  etcd: Cluster;
  receipt: string;
}

/** Needs two starts of an API server. */
export async function startKubernetesBackups(): Promise<KubernetesBackups> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await scratchFolder('kubernetes-backups'));
  const backedUp = stack.use(await startBackedUpCluster());
  const etcd = backedUp.cluster;
  await using api = await startApiServer({ etcd, extraArgs: [`--event-ttl=${EVENT_SECONDS}s`] });
  await createObjects(api);
  await storeRarities(etcd);
  await api[Symbol.asyncDispose]();
  await setAuthentication(etcd, true);
  const guarded = await backedUp.backUp({ ETCDCTL_USER: ROOT.user, ETCDCTL_PASSWORD: ROOT.password });
  await setAuthentication(etcd, false);

  const right = newKeys();
  const keys = {
    right: await writeConfiguration(join(folder, 'right.json'), right),
    lost: await writeConfiguration(join(folder, 'lost.json'), {
      ...newKeys(),
      aescbc: undefined,
      aesgcm: right.aesgcm,
    }),
  };
  await using sealing = await startApiServer({
    etcd,
    extraArgs: [`--encryption-provider-config=${keys.right}`],
  });
  await create(sealing, ...toBeSealed());
  const sealed = await backedUp.backUp();
  await sealing[Symbol.asyncDispose]();

  await damage(etcd);
  const damaged = await backedUp.backUp();
  const owned = stack.move();
  return {
    guarded,
    sealed,
    damaged,
    keys,
    async restore(name, auth) {
      const { file, receipt } = await fetchInto(folder, backedUp, name);
      return { etcd: owned.use(await restoreSnapshot(file, auth ? { auth } : {})), receipt };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A backup as the init container of a drill's pod fetches it. */
export async function fetchInto(folder: string, { env }: BackedUpCluster, name: string) {
  const [file, receipt] = [join(folder, name), join(folder, `${name}.json`)];
  await jsonOf(['fetch', name, file, '--receipt', receipt], env);
  return { file, receipt };
}

async function setAuthentication(etcd: Cluster, on: boolean): Promise<void> {
  const { user, password } = ROOT;
  if (on) {
    await etcd.etcdctl('user', 'add', `${user}:${password}`);
    await etcd.etcdctl('user', 'grant-role', user, 'root');
  }
  await etcd.etcdctl('auth', on ? 'enable' : 'disable');
  etcd.access.auth = on ? ROOT : undefined;
}

const create = (api: ApiServer, ...items: object[]): Promise<string> =>
  api.kubectlWithInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'create', '--filename=-');

const object = (apiVersion: string, kind: string, name: string) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'shop' },
});
const secret = (name: string) => ({ ...object('v1', 'Secret', name), stringData: { password: name } });

export async function createObjects(api: ApiServer): Promise<void> {
  const names = { plural: 'carts', singular: 'cart', kind: 'Cart' };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await create(
    api,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `carts.${GROUP}` },
      spec: {
        group: GROUP,
        scope: 'Namespaced',
        names,
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    },
  );
  await api.kubectl('wait', '--for=condition=Established', `crd/carts.${GROUP}`);
  await create(
    api,
    ...['one', 'two', 'three'].map((name) => secret(name)),
    object('v1', 'ConfigMap', 'settings'),
    { ...object('v1', 'Service', 'web'), spec: { type: 'NodePort', ports: [{ port: 80 }] } },
    object(`${GROUP}/v1`, 'Cart', 'full'),
    object(`${GROUP}/v1`, 'Cart', 'empty'),
    {
      ...object('v1', 'Event', 'short'),
      involvedObject: { kind: 'Namespace', name: 'shop', namespace: 'shop' },
    },
  );
}

/** What comes with the years, and what no API server would make from here. */
async function storeRarities(etcd: Cluster): Promise<void> {
  for (const [plural, kind, version] of [
    ['widgets', 'Widget', 'v2'],
    ['gears', 'Gear', 'v1'],
  ] as const) {
    await store(etcd, ...definitionOf({ group: GROUP, plural, kind, converter: CONVERTER }));
    await store(etcd, `${GROUP}/${plural}/shop/one`, object(`${GROUP}/${version}`, kind, 'one'));
  }
  const deep = { group: LONG_GROUP, plural: 'deeps', kind: 'Deep', converter: CONVERTER };
  await store(etcd, ...definitionOf(deep));
  await store(etcd, `${LONG_GROUP}/deeps/shop/one`, object(`${LONG_GROUP}/v2`, 'Deep', 'one'));
  await store(etcd, 'gone.example.com/orphans/shop/one', object('gone.example.com/v1', 'Orphan', 'one'));
  const service = { namespace: 'shop', name: 'metrics', port: 1 };
  await store(etcd, ...apiServiceOf('metrics.example.com', service));
}

/** Each of them encrypted in another way. */
const toBeSealed = () => [
  secret('sealed'),
  { ...object('v1', 'LimitRange', 'sealed'), spec: { limits: [] } },
  object(`${GROUP}/v1`, 'Cart', 'sealed'),
];

type Keys = Record<'aescbc' | 'secretbox' | 'aesgcm', string | undefined>;

const newKeys = (): Keys => ({
  aescbc: randomBytes(32).toString('base64'),
  secretbox: randomBytes(32).toString('base64'),
  aesgcm: randomBytes(32).toString('base64'),
});

async function writeConfiguration(path: string, keys: Keys): Promise<string> {
  const entry = (resource: string, provider: keyof Keys) => ({
    resources: [resource],
    providers: [
      ...(keys[provider] === undefined
        ? []
        : [{ [provider]: { keys: [{ name: 'key1', secret: keys[provider] }] } }]),
      { identity: {} },
    ],
  });
  const resources = [
    entry('secrets', 'aescbc'),
    entry('limitranges', 'secretbox'),
    entry(`carts.${GROUP}`, 'aesgcm'),
  ];
  const config = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources };
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** What stands in an object that is not to be quoted. */
export const CONFIDENTIAL = 'told in confidence';

/**
 * Secrets: one that lost its second half, one that only a plugin could read, one with the name of another. And a custom
 * resource without its kind, beside one that would have to be converted.
 */
async function damage(etcd: Cluster): Promise<void> {
  const client = await connectEtcd(etcd, etcd.member(0));
  try {
    const key = '/registry/secrets/shop/two';
    const value = (await client.get(key).buffer()) ?? Buffer.alloc(0);
    await client.put(key).value(value.subarray(0, value.length / 2));
    await client.put('/registry/secrets/shop/by-plugin').value('k8s:enc:kms:v2:vault:sealed elsewhere');
    await client.put('/registry/secrets/shop/zwei').value(JSON.stringify(secret('other')));
    const broken = { apiVersion: `${GROUP}/v2`, metadata: { name: 'broken' }, note: CONFIDENTIAL };
    await client.put(`/registry/${GROUP}/gears/shop/broken`).value(JSON.stringify(broken));
  } finally {
    client.close();
  }
}
