import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseBackupName } from '../../src/backup/names.ts';
import { type ControlPlane, startControlPlane } from '../support/kubernetes/control-plane.ts';
import { type Host, startNetwork } from '../support/kubernetes/network.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { PAUSE } from './images.ts';
import { type Informer, startInformer } from './informer.ts';
import { createJob, install, jobEnd } from './release.ts';
import {
  assertControllersWork,
  BUILD,
  CHECK,
  configMaps,
  createConfigMap,
  FETCH,
  KUBEADM_ETCD,
  revisions,
  SETTINGS,
  START,
  STOP,
  TAGS,
  until,
  writePrograms,
} from './restore-site.ts';
import { readRunbook, type Runbook } from './runbook.ts';

/** One control-plane node, restored by the runbook's own commands. */

const stack = new AsyncDisposableStack();
let plane: ControlPlane;
let host: Host;
let runbook: Runbook;
/** It is connected all along. */
let informer: Informer;
/** Of before the restore. */
let old: Awaited<ReturnType<typeof revisions>>;

before(async () => {
  const network = stack.use(await startNetwork());
  plane = stack.use(await startControlPlane(network, { size: 1, image: KUBEADM_ETCD, tags: TAGS }));
  const [first] = plane.hosts;
  assert.ok(first);
  host = first;
  const { path: programs } = stack.use(await scratchFolder('programs'));
  await writePrograms(programs, dirname(host.folder));
  runbook = await readRunbook(programs);
  await install(plane, { values: { suspend: true, lockTtl: '5s' } });
  await createConfigMap(plane, 'kept');
  await createConfigMap(plane, 'deleted-later');
  await apply(plane, deployment('web', 1));
  await replicas('web', 1);
  await createJob(plane, 'run');
  const { type, message } = await jobEnd(plane, 'run');
  assert.equal(type, 'Complete', message);

  await plane.kubectl('delete', 'configmap', 'deleted-later');
  await createConfigMap(plane, 'made-later');
  await plane.kubectl('scale', 'deployment', 'web', '--replicas=3');
  await replicas('web', 3);
  const client = await plane.authority.client({ name: 'informer', organization: 'system:masters' });
  informer = stack.use(startInformer(plane.url, { ca: plane.authority.ca, ...client }));
  await until('the informer has listed', () => informer.names.has('made-later'));
  old = await revisions(plane);
});

after(() => stack.disposeAsync());

test('a backup that is damaged, or is not there, stops the reader before anything is stopped', async () => {
  const pids = await controlPlanePids();
  await follow(SETTINGS);
  const mend = await damageBackup();
  await assert.rejects(follow(FETCH), /nothing was written[^]*--- FAILED/);
  await mend();
  await writeFile(join(host.folder, 'restore/env'), 'CLUSTER_NAME=somebody-else\n');
  await assert.rejects(follow(FETCH), /somebody-else[^]*--- FAILED/);
  await writeFile(join(host.folder, 'restore/env'), '');
  await assert.rejects(follow(BUILD), /snapshot.db[^]*--- FAILED/);
  await assert.rejects(follow(STOP), /nothing to swap in yet[^]*--- FAILED/);
  assert.equal(await controlPlanePids(), pids);
  assert.deepEqual(await configMaps(plane), ['kept', 'made-later']);
});

test('the way back, step by step', async (t) => {
  const pids = await controlPlanePids();
  await follow(FETCH);
  await follow(BUILD);
  assert.equal(await controlPlanePids(), pids, 'nothing was stopped so far');
  await swap(t);
});

test('what was made after the backup is gone, what was deleted is back', async () => {
  assert.deepEqual(await configMaps(plane), ['deleted-later', 'kept']);
  await replicas('web', 1);
});

test('whoever asks for an old revision is told that it is gone', async () => {
  const now = await revisions(plane);
  assert.ok(now.resourceVersion > old.resourceVersion && now.etcd > old.etcd, JSON.stringify({ old, now }));
  assert.match(await watchFrom(old.resourceVersion), /too old resource version|Expired|"code":410/);
  const revision = `--rev=${old.etcd}`;
  const watch = plane.etcdctl('watch', '--prefix', '/registry/', revision).catch(String);
  assert.match(await watch, /required revision has been compacted/);
});

test('an informer that was connected begins anew and misses nothing', async () => {
  await until('it has listed anew', () => informer.expired === 1);
  await until('it knows what is there', () => informer.names.has('deleted-later'));
  assert.ok(!informer.names.has('made-later'));
  await createConfigMap(plane, 'made-after');
  await until('it is told', () => informer.names.has('made-after'));
});

test('controllers, the scheduler and a kubelet that was not restarted go on', async () => {
  await assertControllersWork(plane, 'new');
  await plane.kubectl('scale', 'deployment', 'web', '--replicas=2');
  await replicas('web', 2);
});

test('the next backup is one of the restored cluster, in the same folder', async () => {
  await follow(CHECK);
  const files = await filesBelow(join(host.folder, 'backups/etcd-upkeep'));
  const names = files.flatMap((file) => parseBackupName(file.split('/').at(-1) ?? '') ?? []);
  assert.equal(names.length, 2, files.join(', '));
  assert.equal(new Set(files.map((file) => dirname(file))).size, 1, 'the cluster ID has not changed');
  assert.ok((names.at(-1)?.revision ?? 0) > old.etcd, files.join(', '));
});

test('and back again to what was there before, with revisions that still only rise', async (t) => {
  const now = await revisions(plane);
  await follow('Back to what was there before');
  await follow(BUILD);
  await swap(t);
  assert.deepEqual(await configMaps(plane), ['kept', 'made-later']);
  assert.ok((await revisions(plane)).etcd > now.etcd);
  await until('the informer was told', () => informer.expired === 2 && informer.names.has('made-later'));
  await replicas('web', 3);
});

test('without the two flags nobody is told, and changes are missed', async (t) => {
  const known = await revisions(plane);
  await host.inside('sh', '-c', 'rm /var/restore/snapshot.db /var/restore/cluster /var/restore/SHA256SUMS');
  await follow(FETCH);
  const flags = / --bump-revision "\$BUMP" --mark-compacted/;
  await follow(BUILD, (script) => {
    assert.match(script, flags);
    return script.replace(flags, '');
  });
  await swap(t);
  assert.ok((await revisions(plane)).resourceVersion < known.resourceVersion);
  assert.equal(await watchFrom(known.resourceVersion), '', 'it is told nothing at all');
  // It tries twice a second, and this is one of the tries that the new API server took.
  const { asked } = informer;
  await sleep(3000);
  assert.ok(informer.asked <= asked + 1, 'it was not refused');
  await createConfigMap(plane, 'unseen');
  await sleep(5000);
  assert.ok((await configMaps(plane)).includes('unseen'));
  assert.equal(informer.expired, 2);
  assert.ok(!informer.names.has('unseen'));
});

test('the same from nothing: a disk that came back empty', async (t) => {
  await host.inside('sh', '-c', 'kill -KILL $(pgrep -x etcd) && rm -r /var/lib/etcd/member');
  await host.inside('find', '/var/restore', '-mindepth', '1', '-delete');
  await follow(SETTINGS);
  await follow(FETCH);
  await follow(BUILD);
  await swap(t);
  assert.deepEqual(await configMaps(plane), ['deleted-later', 'kept', 'made-after']);
});

test('these are all commands of the runbook; two more files follow the others', () => {
  assert.deepEqual(runbook.headings(), [
    SETTINGS,
    FETCH,
    BUILD,
    STOP,
    START,
    CHECK,
    'Share, on cp-1',
    'Fetch and share, on any machine with Docker',
    'Stop Kubernetes, on every control-plane node',
    "Stop etcd, and swap, on every member's machine",
    "Start etcd, on every member's machine",
    'Start Kubernetes, on every control-plane node',
    'Back to what was there before',
  ]);
});

const follow = (heading: string, edit?: (script: string) => string) =>
  runbook.follow(host, heading, edit && { edit });

async function swap(t: TestContext): Promise<void> {
  const stoppedAt = Date.now();
  await follow(STOP);
  const startedAt = Date.now();
  await follow(START);
  const [stop, start] = [startedAt - stoppedAt, Date.now() - startedAt].map((ms) => (ms / 1000).toFixed(1));
  t.diagnostic(`stopping took ${stop} s, starting ${start} s`);
}

/** What a watch of ConfigMaps from that revision is told within three seconds, or the refusal. */
function watchFrom(revision: number): Promise<string> {
  const query = `watch=1&resourceVersion=${revision}&timeoutSeconds=3`;
  return plane.kubectl('get', '--raw', `/api/v1/namespaces/default/configmaps?${query}`).catch(String);
}

const controlPlanePids = () => host.inside('pgrep', '-x', 'etcd|kube-apiserver');

/** Pods that do nothing, on the control plane. */
function deployment(name: string, count: number): object {
  const labels = { app: name };
  const containers = [{ name, image: PAUSE, imagePullPolicy: 'Never' }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: count,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers, tolerations: [{ operator: 'Exists' }], terminationGracePeriodSeconds: 1 },
      },
    },
  };
}

/** Waits until so many of its pods run, and no other. */
async function replicas(name: string, count: number): Promise<void> {
  const object = `deployment/${name}`;
  await plane.kubectl('wait', object, `--for=jsonpath={.status.readyReplicas}=${count}`, '--timeout=60s');
  await plane.kubectl('wait', object, `--for=jsonpath={.status.replicas}=${count}`, '--timeout=60s');
}

/** Changes a byte in the middle; returns what takes it back. */
async function damageBackup(): Promise<() => Promise<void>> {
  const folder = join(host.folder, 'backups/etcd-upkeep');
  const [name = ''] = (await filesBelow(folder)).filter((file) => !file.endsWith('.json'));
  const path = join(folder, name);
  const whole = await readFile(path);
  const damaged = Buffer.from(whole);
  const middle = Math.floor(damaged.length / 2);
  damaged[middle] = (damaged[middle] ?? 0) ^ 1;
  await writeFile(path, damaged);
  return () => writeFile(path, whole);
}
