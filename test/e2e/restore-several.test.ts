import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlane, startControlPlane } from '../support/kubernetes/control-plane.ts';
import { startNetwork } from '../support/kubernetes/network.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
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
  writePrograms,
} from './restore-site.ts';
import { readRunbook, type Runbook } from './runbook.ts';

/** Three control-plane nodes, each with its etcd, restored by the runbook's own commands. */

const stack = new AsyncDisposableStack();
let plane: ControlPlane;
let runbook: Runbook;

before(async () => {
  const network = stack.use(await startNetwork());
  plane = stack.use(await startControlPlane(network, { size: 3, image: KUBEADM_ETCD, tags: TAGS }));
  const { path: programs } = stack.use(await scratchFolder('programs'));
  await writePrograms(programs, dirname(plane.hosts[0]?.folder ?? ''));
  runbook = await readRunbook(programs);
  // The runbook's example has the backup on the first node.
  const nodeSelector = { 'kubernetes.io/hostname': 'cp-1' };
  await install(plane, { values: { suspend: true, lockTtl: '5s', nodeSelector } });
  await createConfigMap(plane, 'kept');
  await createConfigMap(plane, 'deleted-later');
  await createJob(plane, 'run');
  const { type, message } = await jobEnd(plane, 'run');
  assert.equal(type, 'Complete', message);
  await plane.kubectl('delete', 'configmap', 'deleted-later');
  await createConfigMap(plane, 'made-later');
});

after(() => stack.disposeAsync());

test('three members go back together, from one file', async (t) => {
  const old = await revisions(plane);
  const clusterId = await clusterIds();
  const [first] = plane.hosts;
  assert.ok(first);
  for (const heading of [SETTINGS, FETCH, 'Share, on cp-1']) await runbook.follow(first, heading);
  for (const host of plane.hosts) await runbook.follow(host, BUILD);
  assert.deepEqual(await configMaps(plane), ['kept', 'made-later'], 'nothing was stopped so far');
  const stoppedAt = Date.now();
  await everywhere(STOP);
  await everywhere(START);
  t.diagnostic(`no API server for ${((Date.now() - stoppedAt) / 1000).toFixed(1)} s`);

  assert.deepEqual(await configMaps(plane), ['deleted-later', 'kept']);
  const now = await revisions(plane);
  assert.ok(now.resourceVersion > old.resourceVersion && now.etcd > old.etcd, JSON.stringify({ old, now }));
  assert.notDeepEqual(await clusterIds(), clusterId, 'no member of the old cluster could join');
});

test('every node serves the same, and the members hold the same', async () => {
  for (const { address } of plane.hosts) {
    const server = `--server=https://${address}:6443`;
    assert.match(await plane.kubectl(server, 'get', 'configmaps', '--output=name'), /deleted-later/);
  }
  const members = (await plane.etcdctl('member', 'list')).trim().split('\n');
  assert.equal(members.length, 3);
  const { revision, hashes } = await hashKv();
  assert.equal(hashes.length, 3);
  assert.equal(new Set(hashes).size, 1, `at ${revision}: ${hashes.join(', ')}`);
});

test('controllers go on, and the next backup is whole', async () => {
  await assertControllersWork(plane, 'new');
  const [first] = plane.hosts;
  assert.ok(first);
  // This run compares the members' data before it changes anything.
  await runbook.follow(first, CHECK);
});

/** On all nodes at once, as with a terminal for each. */
async function everywhere(heading: string): Promise<void> {
  await Promise.all(plane.hosts.map((host) => runbook.follow(host, heading)));
}

async function clusterIds(): Promise<string[]> {
  const answer = await plane.etcdctl('endpoint', 'status', '--write-out=fields');
  return [...new Set(answer.match(/^"ClusterID" : \d+$/gm))];
}

async function hashKv(): Promise<{ revision: number; hashes: string[] }> {
  const { etcd: revision } = await revisions(plane);
  const answer = await plane.etcdctl('endpoint', 'hashkv', `--rev=${revision}`, '--write-out=fields');
  return { revision, hashes: answer.match(/^"Hash" : \d+$/gm) ?? [] };
}
