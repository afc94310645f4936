import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseManifest } from '../../src/backup/manifest.ts';
import { readFile } from 'node:fs/promises';
import { fill } from '../support/fill.ts';
import { assertReport } from '../support/run-assertions.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { LOCK_KEY } from '../support/run-lock.ts';
import { createJob, install, jobEnd, type JobLog, logOf, scheduledJob, suspend, upgrade } from './release.ts';

/** A run by hand at the same time as another one: both Jobs are Kubernetes' own, and the lock in etcd keeps them apart. */

/** A run defragments whatever it finds, and then waits for so long that the other one meets it. */
const LONG = { minDbSize: 0, minFragmentation: 0, wait: '12s' };

let node: Node;

before(async () => {
  node = await startNode();
  await fill(node.etcd, { prefix: '/history/', keys: 50, valueBytes: 50_000, overwrites: 10 });
});

after(() => node[Symbol.asyncDispose]());

test('by hand beside a scheduled run: one of them steps aside with 6, and its Job is not tried again', async () => {
  await install(node, { values: { schedule: '* * * * *', lockTtl: '5s', defrag: LONG } });
  const scheduled = await scheduledJob(node);
  await createJob(node, 'manual-1');
  await suspend(node);
  const [first, second] = await Promise.all([jobEnd(node, scheduled), jobEnd(node, 'manual-1')]);
  const codes = [first, second].map(({ pods }) => pods.map(({ exitCode }) => exitCode));
  assert.deepEqual(
    codes.flat().toSorted((a = -1, b = -1) => a - b),
    [0, 6],
    'each had one pod',
  );
  const aside = [first, second].find(({ pods }) => pods[0]?.exitCode === 6);
  assert.equal(aside?.type, 'Failed');
  assert.equal(aside.reason, 'PodFailurePolicy');
  const { report, text } = await logOf(node, aside.pods[0]?.name ?? '');
  assertReport(report, 6, 'busy', text);
  assert.match(JSON.parse(aside.pods[0]?.message ?? '{}').error, /another run/);
  assert.equal(await node.etcd.etcdctl('get', LOCK_KEY), '');
});

test('by hand beside another by hand: the second waits its turn, and never do both work', async () => {
  // Seconds of a backup, and over before the other one could see its lease renewed, a third of ten minutes later.
  await fill(node.etcd, { prefix: '/bulk/', keys: 400, valueBytes: 1_000_000 });
  await upgrade(node, { values: { suspend: true, lockTtl: '10m', defrag: { enabled: false } } });
  const known = await filesBelow(node.backups);
  await Promise.all([createJob(node, 'manual-2'), createJob(node, 'manual-3')]);
  const jobs = await Promise.all([jobEnd(node, 'manual-2'), jobEnd(node, 'manual-3')]);
  const logs = await Promise.all(jobs.map(({ pods }) => logOf(node, pods[0]?.name ?? '')));
  const told = logs.map(({ text }) => text).join('\n\n');
  const codes = jobs.map(({ pods }) => pods.map(({ exitCode }) => exitCode));
  assert.deepEqual(codes, [[0], [0]], told);
  assert.match(told, /lock is held, waiting/);
  const added = (await filesBelow(node.backups)).filter((file) => !known.includes(file));
  assert.equal(added.length, 4, 'two backups and their manifests');
  const [early, late] = (await Promise.all(logs.map(spanOf))).toSorted((a, b) => a.from - b.from);
  assert.ok(early && late && early.to <= late.from, JSON.stringify([early, late]));
  assert.equal(await node.etcd.etcdctl('get', LOCK_KEY), '');
});

/** From the beginning of its backup, which is the first thing that a run does under the lock, to its report. */
async function spanOf({ report, reportedAt }: JobLog): Promise<{ from: number; to: number }> {
  const name = `${report.backup?.name}.json`;
  const file = (await filesBelow(node.backups)).find((path) => path.endsWith(name));
  const manifest = parseManifest(await readFile(join(node.backups, file ?? name), 'utf8'));
  if (!manifest.ok) throw new Error(manifest.problem);
  return { from: Date.parse(manifest.value.startedAt), to: reportedAt };
}
