import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { onlyBackup } from '../support/stored-backup.ts';

/** Each member's flags, to which one is added before it is started anew. */
const flags: string[][] = [[], [], []];

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const cluster = stack.use(await startCluster({ size: 3, extraArgs: (index) => flags[index] ?? [] }));

test('a member that was started anew, as a cluster of its own with the ID that it had, is no member', async () => {
  await fill(cluster, { keys: 20, valueBytes: 1_000 });
  const [lost] = await cluster.followers();
  assert.ok(lost);
  const well = cluster.members.filter((member) => member !== lost);
  const [before] = await Promise.all(well.map((member) => member.status()));
  await lost.stop();
  await rm(lost.dataDir, { recursive: true });
  flags[lost.index]?.push(`--initial-cluster=${lost.name}=${lost.peerUrl}`);
  await lost.start();
  const anew = await lost.status();
  assert.equal(anew.memberId, lost.id);
  assert.notEqual(anew.clusterId, before?.clusterId);
  // It has applied more than the others, so that its word would count first.
  for (let put = 0; put < 60; put += 1) await lost.etcdctl('put', 'other', String(put));

  await using store = await scratchFolder('store');
  const result = await runJob({
    ...cluster.env,
    ETCDCTL_ENDPOINTS: String(well[0]?.clientUrl),
    BACKUP_STORE: `file://${store.path}`,
    COMPACTION_RETENTION: '2',
    CONSISTENCY_CHECK: 'false',
  });
  const report = assertRunEnded(result, 5, 'partial');
  assertSteps(report, { backup: 'done', compact: 'refused', defragment: 'refused' });
  const [problem, ...others] = report.problems;
  const told = `^member ${lost.name} .*: a member of another cluster \\(${anew.clusterId}\\) answers there$`;
  assert.match(problem ?? '', new RegExp(told));
  assert.deepEqual(others, []);
  const { manifest } = await onlyBackup(store.path);
  assert.notEqual(manifest.member.id, lost.id);
  assert.equal(manifest.cluster.id, before?.clusterId);
  assert.equal(manifest.keys, 20 + 1, 'with the lock');
});
