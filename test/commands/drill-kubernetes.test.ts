import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KubernetesReport, ResourceCheck } from '../../src/commands/drill/types.ts';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { type ScratchApiServer, startScratchApiServer } from '../support/kubernetes/scratch-apiserver.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import type { JobResult } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { startBackedUpCluster } from './backed-up-cluster.ts';
import {
  CONFIDENTIAL,
  createObjects,
  fetchInto,
  type KubernetesBackups,
  LONG,
  type Restored,
  ROOT,
  startKubernetesBackups,
} from './kubernetes-backups.ts';
import { assertCommandEnded, runCommand } from './run-command.ts';

let backups: KubernetesBackups;
/** Its authentication is on until a drill has failed of that. */
let plain: Restored;
let shutOut: Promise<JobResult>;
let sealed: Restored;

before(async () => {
  backups = await startKubernetesBackups();
  plain = await backups.restore(backups.guarded, ROOT);
  shutOut = beShutOut(); // beside the tests: the API server does not give up before a minute is over
  shutOut.catch(() => {});
  sealed = await backups.restore(backups.sealed);
});

after(() => backups[Symbol.asyncDispose]());

async function beShutOut(): Promise<JobResult> {
  await using api = await startScratchApiServer({ etcd: plain.etcd, wait: false });
  return await runCommand(argsOf(plain, api), plain.etcd.env);
}

const argsOf = ({ receipt }: Restored, api: ScratchApiServer) => [
  'drill',
  '--receipt',
  receipt,
  '--kubeconfig',
  api.kubeconfig,
  '--apiserver-log',
  api.logFile,
];

interface Told {
  report: KubernetesReport;
  /** What it ends with. */
  stderr: string;
}

async function drill(of: Restored, api: ScratchApiServer, code = 0): Promise<Told> {
  const result = await runCommand([...argsOf(of, api), '-o', 'json'], of.etcd.env);
  const { stdout, stderr } = assertCommandEnded(result, code);
  const { same, kubernetes } = JSON.parse(stdout);
  assert.equal(same, code === 0);
  return { report: kubernetes, stderr };
}

function rowOf({ resources }: KubernetesReport, name: string): ResourceCheck {
  const found = resources.find(({ resource }) => resource === name);
  assert.ok(found, `${name} is told of`);
  return found;
}

const notCompared = ({ resources }: KubernetesReport) =>
  resources
    .filter(({ result }) => result === 'not compared')
    .map(({ resource, stored, reason }) => [resource, stored, reason]);

test('with the right keys everything encrypted is read', async () => {
  await using api = await startScratchApiServer({ etcd: sealed.etcd, encryption: backups.keys.right });
  const { report } = await drill(sealed, api);
  assert.equal(report.secretsRead, 4);
  for (const name of ['secrets', 'configmaps', 'carts.shop.example.com'])
    assert.equal(rowOf(report, name).result, 'same');

  // As if etcd belonged to somebody else: nothing is compared, and that is no success.
  const elsewhere = { ...sealed.etcd.env, OBJECT_PREFIX: '/elsewhere/' };
  const { stderr } = assertCommandEnded(await runCommand(argsOf(sealed, api), elsewhere), 2);
  assert.match(
    stderr,
    /below \/elsewhere\/: OBJECT_PREFIX has to be what kube-apiserver has as --etcd-prefix/,
  );
});

test('every object is named whose key is lost or another one', async () => {
  await using api = await startScratchApiServer({ etcd: sealed.etcd, encryption: backups.keys.lost });
  const { report, stderr } = await drill(sealed, api, 4);
  for (const [name, how] of [
    ['secrets', 'aescbc'],
    ['limitranges', 'secretbox'],
  ] as const) {
    const { result, unreadable } = rowOf(report, name);
    assert.deepEqual([result, unreadable?.count, unreadable?.names], ['differs', 1, ['shop/sealed']], name);
    const sentence = `${name}: 1 of \\d cannot be read: shop/sealed, encrypted by ${how} with the key "key1": `;
    assert.match(stderr, new RegExp(sentence));
  }
  assert.equal(rowOf(report, 'carts.shop.example.com').result, 'same');
  assert.equal(report.secretsRead, 3);
});

test('what is damaged is named, and told apart from what only a plugin could read', async () => {
  const damaged = await backups.restore(backups.damaged);
  await using api = await startScratchApiServer({ etcd: damaged.etcd, encryption: backups.keys.right });
  const { report, stderr } = await drill(damaged, api, 4);
  const { unreadable } = rowOf(report, 'secrets');
  assert.deepEqual([unreadable?.count, unreadable?.names], [3, ['shop/by-plugin', 'shop/two', 'shop/zwei']]);
  assert.match(stderr, /3 of 6 cannot be read: shop\/two: .+; 1 of them need the plugin of a KMS provider/);
  // The list ends at one of them, and which one that is says nothing of the other.
  const gears = rowOf(report, 'gears.shop.example.com');
  assert.deepEqual([gears.result, gears.stored, gears.unreadable?.names], ['differs', 2, ['shop/broken']]);
  assert.match(stderr, /gears\S+ 1 of 2 cannot be read: shop\/broken: Object 'Kind' is missing in '\.\.\./);
  assert.ok(!`${JSON.stringify(report)}${stderr}`.includes(CONFIDENTIAL), 'no object is quoted');

  for (const key of ['secrets/shop/two', 'secrets/shop/zwei', 'shop.example.com/gears/shop/broken'])
    await damaged.etcd.etcdctl('del', `/registry/${key}`);
  const { report: without } = await drill(damaged, api);
  const { result, reason } = rowOf(without, 'secrets');
  assert.equal(result, 'not compared');
  assert.match(
    reason ?? '',
    /1 of 4 cannot be read, .*not possible without the plugin of the KMS provider "vault"/,
  );
});

test('an API server that is newer than the data serves them', async () => {
  await using out = await scratchFolder('out');
  await using older = await startBackedUpCluster();
  {
    await using api = await startApiServer({ etcd: older.cluster, version: '1.32.13' });
    await createObjects(api);
  }
  const { file, receipt } = await fetchInto(out.path, older, await older.backUp());
  await using etcd = await restoreSnapshot(file);
  await using api = await startScratchApiServer({ etcd });
  const { report } = await drill({ etcd, receipt }, api);
  assert.deepEqual(notCompared(report), [['ranges', 2, "the API server's own records"]]);
  assert.equal(report.secretsRead, 3);
});

test('of a backup with authentication the API server is shut out', async () => {
  const { stderr } = assertCommandEnded(await shutOut, 4);
  assert.match(stderr, /its log ends with: .*etcdserver: user name is empty/);
});

test('every object that etcd has is served, and what cannot be compared is told', async () => {
  const { etcd } = plain;
  await etcd.etcdctl('auth', 'disable');
  etcd.access.auth = undefined;
  // Its Event is gone when the drill looks, which it does at the revision of the backup.
  for (const lease of (await etcd.etcdctl('lease', 'list')).split('\n').slice(1))
    if (lease !== '') await etcd.etcdctl('lease', 'revoke', lease);
  await using api = await startScratchApiServer({ etcd });
  const { revision } = await etcd.member(0).status();
  const { report } = await drill(plain, api);
  assert.equal(report.version, 'v1.36.3');
  assert.equal(report.secretsRead, 3);
  const counted = (name: string) => {
    const { stored, served, result } = rowOf(report, name);
    return [stored, served, result];
  };
  assert.deepEqual(counted('secrets'), [3, 3, 'same']);
  assert.deepEqual(counted('events'), [1, 1, 'same']);
  assert.deepEqual(counted('services'), [2, 2, 'same']);
  assert.deepEqual(counted('carts.shop.example.com'), [2, 2, 'same']);
  assert.deepEqual(counted(LONG), [1, 1, 'same']);
  assert.deepEqual(counted('widgets.shop.example.com'), [1, 1, 'same']);
  assert.deepEqual(notCompared(report), [
    [
      'gears.shop.example.com',
      1,
      'a conversion webhook would have to be called for it, which this pod must not do',
    ],
    ['orphans.gone.example.com', 1, 'nothing serves it: its CustomResourceDefinition is gone'],
    ['peerserverleases', 1, "the API server's own records"],
    ['ranges', 1, "the API server's own records"],
    [
      'v1.metrics.example.com',
      0,
      'the Service shop/metrics serves it (an aggregated API), which this pod must not call',
    ],
  ]);
  assert.equal((await etcd.member(0).status()).revision, revision, 'nothing was written');
});

test('an API server that is older than the data serves what it knows', async () => {
  await using api = await startScratchApiServer({ etcd: plain.etcd, version: '1.32.13' });
  const { report } = await drill(plain, api);
  assert.equal(report.version, 'v1.32.13');
  assert.equal(rowOf(report, 'configmaps').result, 'same');
  for (const name of ['ipaddresses', 'servicecidrs']) {
    const { result, reason } = rowOf(report, name);
    assert.deepEqual([result, reason], ['not compared', 'this version of Kubernetes does not know it']);
  }
});
