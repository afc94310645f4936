import assert from 'node:assert/strict';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertReport } from '../support/run-assertions.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { createJob, helmOn, install, jobEnd, logOf, NAMESPACE, upgrade } from './release.ts';

/** What becomes of a release and of its backups over the months. */

let node: Node;
const runs: string[] = [];

before(async () => {
  node = await startNode();
});

after(() => node[Symbol.asyncDispose]());

/** Runs the job by hand and returns its report. */
async function run() {
  const name = `run-${runs.length}`;
  runs.push(name);
  await createJob(node, name);
  const { pods } = await jobEnd(node, name);
  return (await logOf(node, pods[0]?.name ?? '')).report;
}

const backups = async () => (await filesBelow(node.backups)).filter((file) => file.endsWith('.zst'));

test('install, upgrade with other values, roll back', async () => {
  const notes = await install(node, { values: { clusterName: 'mine' } });
  assert.match(notes, /create job --from=cronjob\/etcd-upkeep/);
  assert.match((await run()).outcome, /^(ok|nothing-needed)$/);
  await run();
  assert.equal((await backups()).length, 2);

  await upgrade(node, { values: { clusterName: 'mine', schedule: '1 2 * * *', backup: { keepLast: 1 } } });
  assert.equal(await schedule(), '1 2 * * *');
  await run();
  assert.equal((await backups()).length, 1, 'the new values count');

  await upgrade(node, { values: { clusterName: 'mine', dryRun: true } });
  assertReport(await run(), 0, 'dry-run');
  await helmOn(node, 'rollback', 'etcd-upkeep', '1');
  assert.notEqual(await schedule(), '1 2 * * *');
  await run();
  await run();
  assert.equal((await backups()).length, 3, 'the old values count again');
});

test('with Helm 3 too', async () => {
  await upgrade(node, {
    helm: '3.22',
    values: { clusterName: 'mine', schedule: '3 4 * * *', backoffLimit: 0 },
  });
  assert.equal(await schedule(), '3 4 * * *');
});

test('rotated certificates count from the next run on', async () => {
  const stranger = await node.etcd.pki?.authority.client({ name: 'expired', validity: 'expired' });
  assert.ok(stranger);
  const names = ['healthcheck-client.crt', 'healthcheck-client.key'];
  const kept = await node.makeFolder('kept');
  for (const name of names) await cp(join(node.etcdPki, name), join(kept, name));
  await replaceWith({ [names[0] ?? '']: stranger.cert, [names[1] ?? '']: stranger.key });
  const refused = await run();
  assertReport(refused, 3, 'failed');
  assert.match(refused.error ?? '', /certificate/);

  await replaceWith(Object.fromEntries(names.map((name) => [name, join(kept, name)])));
  assert.equal((await run()).exitCode, 0);
});

test('uninstalled, its backups stay; installed again, it goes on with them', async () => {
  const earlier = await backups();
  await helmOn(node, 'uninstall', 'etcd-upkeep');
  const left = await node.kubectl('-n', NAMESPACE, 'get', 'cronjob,job,serviceaccount', '-o', 'name');
  assert.doesNotMatch(left, /etcd-upkeep/);
  assert.deepEqual(await backups(), earlier);

  await install(node, { values: { clusterName: 'mine', backup: { keepLast: 2 } } });
  await run();
  const now = await backups();
  assert.equal(now.length, 2);
  assert.ok(earlier.includes(now[0] ?? ''), 'the older of them is from before');
  assert.deepEqual(await readdir(join(node.backups, 'etcd-upkeep')), ['mine']);
});

async function schedule(): Promise<string> {
  return node.kubectl('-n', NAMESPACE, 'get', 'cronjob/etcd-upkeep', '-o', 'jsonpath={.spec.schedule}');
}

/** As kubeadm renews them: new files under the old names. */
async function replaceWith(files: Record<string, string>): Promise<void> {
  for (const [name, source] of Object.entries(files)) {
    const target = join(node.etcdPki, name);
    await rm(target);
    await cp(source, target);
  }
}
