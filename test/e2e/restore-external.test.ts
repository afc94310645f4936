import assert from 'node:assert/strict';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ageKey } from '../support/age.ts';
import { type ControlPlane, startControlPlane } from '../support/kubernetes/control-plane.ts';
import { type Host, startNetwork } from '../support/kubernetes/network.ts';
import { createAuthority } from '../support/pki.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { startEtcdHosts } from './etcd-hosts.ts';
import { createJob, install, jobEnd } from './release.ts';
import {
  assertControllersWork,
  BUILD,
  CHECK,
  configMaps,
  createConfigMap,
  KUBEADM_ETCD,
  revisions,
  TAGS,
  writeDocker,
  writePrograms,
} from './restore-site.ts';
import { readRunbook, type Runbook } from './runbook.ts';

/** Three members on machines of their own, as systemd units, and a control plane elsewhere; encrypted backups. */

const stack = new AsyncDisposableStack();
let plane: ControlPlane;
let controlPlane: Host;
let members: Host[];
let runbook: Runbook;

before(async () => {
  const network = stack.use(await startNetwork());
  const { path: folder } = stack.use(await scratchFolder('external'));
  const programs = join(folder, 'programs');
  await mkdir(programs);
  const authority = await createAuthority(join(folder, 'pki'));
  const etcd = stack.use(await startEtcdHosts(network, { folder, authority, programs }));
  members = etcd.hosts;
  const endpoints = etcd.endpoints;
  const options = { size: 1, image: KUBEADM_ETCD, tags: TAGS, etcd: { endpoints, authority }, folder };
  plane = stack.use(await startControlPlane(network, options));
  const [first] = plane.hosts;
  assert.ok(first);
  controlPlane = first;
  await writePrograms(programs, dirname(controlPlane.folder));
  await writeDocker(programs);
  runbook = await readRunbook(programs);
  const key = await ageKey(folder, 'backup-key.txt');
  const backup = { ageRecipients: [key.recipient] };
  const values = { suspend: true, lockTtl: '5s', backup, etcd: { endpoints: endpoints.split(',') } };
  await install(plane, { values });
  await createConfigMap(plane, 'kept');
  await createConfigMap(plane, 'deleted-later');
  await createJob(plane, 'run');
  const { type, message } = await jobEnd(plane, 'run');
  assert.equal(type, 'Complete', message);
  await plane.kubectl('delete', 'configmap', 'deleted-later');
  await createConfigMap(plane, 'made-later');

  const restore = join(controlPlane.folder, 'restore');
  await copyFile(key.file, join(restore, 'backup-key.txt'));
  await writeFile(join(restore, 'env'), 'BACKUP_AGE_IDENTITY_FILE=/var/restore/backup-key.txt\n');
});

after(() => stack.disposeAsync());

test('three members go back together, and Kubernetes after them', async (t) => {
  const old = await revisions(plane);
  await runbook.follow(controlPlane, 'Fetch and share, on any machine with Docker');
  await onMembers(BUILD);
  assert.deepEqual(await configMaps(plane), ['kept', 'made-later'], 'nothing was stopped so far');
  const stoppedAt = Date.now();
  await runbook.follow(controlPlane, 'Stop Kubernetes, on every control-plane node');
  await onMembers("Stop etcd, and swap, on every member's machine");
  await onMembers("Start etcd, on every member's machine");
  await runbook.follow(controlPlane, 'Start Kubernetes, on every control-plane node');
  t.diagnostic(`no API server for ${((Date.now() - stoppedAt) / 1000).toFixed(1)} s`);

  assert.deepEqual(await configMaps(plane), ['deleted-later', 'kept']);
  const now = await revisions(plane);
  assert.ok(now.resourceVersion > old.resourceVersion && now.etcd > old.etcd, JSON.stringify({ old, now }));
});

test('the data belong to the user of etcd still', async () => {
  for (const member of members) {
    assert.equal((await member.inside('stat', '--format=%u', '/var/lib/etcd/member/snap/db')).trim(), '2379');
  }
});

test('controllers go on, and the next backup goes to the folder of the new cluster ID', async () => {
  await assertControllersWork(plane, 'new');
  await runbook.follow(controlPlane, CHECK);
  const files = await filesBelow(join(controlPlane.folder, 'backups/etcd-upkeep'));
  assert.equal(new Set(files.map((file) => dirname(file))).size, 2, files.join(', '));
});

test('where the file is not the one that was shared, the member goes on running', async () => {
  const [first] = members;
  assert.ok(first);
  await rm(join(first.folder, 'restore/snapshot.db'));
  await assert.rejects(runbook.follow(first, BUILD), /snapshot.db: FAILED[^]*--- FAILED/);
  await assert.rejects(
    runbook.follow(first, "Stop etcd, and swap, on every member's machine"),
    /nothing to swap in yet/,
  );
  await first.inside('pgrep', '-x', 'etcd');
});

async function onMembers(heading: string): Promise<void> {
  await Promise.all(members.map((host) => runbook.follow(host, heading)));
}
