import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { type PeerProxy, startPeerProxy } from '../support/peer-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup, restoreBackup } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';
import type { Report } from '../../src/run/report.ts';

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const peerProxies: PeerProxy[] = [];
const cluster = stack.use(
  await startCluster({
    size: 3,
    advertisePeer: async ({ peerUrl }) => {
      const proxy = stack.use(await startPeerProxy(peerUrl));
      peerProxies.push(proxy);
      return proxy.url;
    },
  }),
);
await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 30 });
/** All of it would be compacted and defragmented if the cluster were well. */
const settings = {
  COMPACTION_RETENTION: '5',
  DEFRAG_MIN_DB_SIZE: '0',
  DEFRAG_MIN_FRAGMENTATION: '0',
  DEFRAG_WAIT: '0s',
  ETCDCTL_DIAL_TIMEOUT: '4s',
  ETCDCTL_COMMAND_TIMEOUT: '8s',
};

const LEFT_ALONE = /the cluster is not well, so this is left alone: /;

/** The run makes a backup that says what was wrong, changes nothing else and ends with code 5. */
async function assertOnlyBackedUp(problem: RegExp, extra: Record<string, string> = {}): Promise<Report> {
  await using store = await scratchFolder('store');
  const before = await tracesOf(cluster);
  const result = await runJob({
    ...cluster.env,
    ...settings,
    ...extra,
    BACKUP_STORE: `file://${store.path}`,
  });
  const report = assertRunEnded(result, 5, 'partial');
  assertSteps(report, {
    inspect: 'done',
    lock: 'done',
    backup: 'done',
    compact: ['refused', LEFT_ALONE],
    defragment: ['refused', LEFT_ALONE],
  });
  assert.equal(report.problems.length, 1, report.problems.join('; '));
  assert.match(report.problems[0] ?? '', problem);
  const backup = await onlyBackup(store.path);
  assert.deepEqual(backup.manifest.problems, report.problems);
  await assertUntouched(cluster, before, { locked: true });
  await using restored = await restoreBackup(backup);
  const { revision } = await restored.member(0).status();
  assert.ok(revision >= before.revision, `the backup holds ${revision} of ${before.revision} revisions`);
  return report;
}

test('one member of three down: backed up, nothing else is done, exit 5', async () => {
  const [down] = await cluster.followers();
  assert.ok(down);
  await down.kill();
  try {
    const report = await assertOnlyBackedUp(new RegExp(`member ${down.name} .*ECONNREFUSED`));
    const told = report.members.find(({ name }) => name === down.name);
    assert.equal(told?.role, 'unknown');
    assert.match(told?.reason ?? '', /ECONNREFUSED/);
    const dry = await runJob({ ...cluster.env, ...settings, DRY_RUN: 'true' });
    assert.deepEqual(assertRunEnded(dry, 0, 'dry-run').problems, report.problems);
  } finally {
    await down.start();
  }
});

test('the leader down: the two others elect one, and it is backed up, exit 5', async () => {
  const down = await cluster.leader();
  await down.kill();
  try {
    await cluster.leader();
    await assertOnlyBackedUp(new RegExp(`member ${down.name} .*ECONNREFUSED`));
  } finally {
    await down.start();
  }
});

test('one member that hangs: the run does not hang with it, exit 5', async () => {
  const [hung] = await cluster.followers();
  assert.ok(hung);
  const before = await tracesOf(cluster);
  await using store = await scratchFolder('store');
  await hung.pause();
  try {
    const result = await runJob({ ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` });
    const report = assertRunEnded(result, 5, 'partial');
    assertSteps(report, { backup: 'done', compact: 'refused', defragment: 'refused' });
    assert.match(report.problems.join('; '), new RegExp(`^member ${hung.name} .*no connection within 4 s$`));
    assert.ok(report.durationMs < 20_000, `${report.durationMs} ms`);
    await onlyBackup(store.path);
  } finally {
    hung.resume();
  }
  await cluster.waitHealthy();
  await assertUntouched(cluster, before, { locked: true });
});

test('a member that follows its leader but lags behind: backed up from another, exit 5', async () => {
  await cluster.waitHealthy();
  const [slow] = await cluster.followers();
  assert.ok(slow);
  for (const proxy of peerProxies) proxy.starve(slow.id);
  try {
    await fill(cluster, { keys: 2, valueBytes: 10_000, overwrites: 2 });
    const behind = await slow.status();
    assert.equal(behind.leaderId, (await cluster.leader()).id);
    await using store = await scratchFolder('store');
    const result = await runJob({ ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` });
    const report = assertRunEnded(result, 5, 'partial');
    assertSteps(report, { backup: 'done', compact: 'refused', defragment: 'refused' });
    assert.match(
      report.problems.join('; '),
      new RegExp(`^member ${slow.name} .*: it lags: it has applied \\d+ of \\d+ committed entries$`),
    );
    const { manifest } = await onlyBackup(store.path);
    assert.notEqual(manifest.member.name, slow.name);
    assert.ok(manifest.revision > behind.revision);
  } finally {
    for (const proxy of peerProxies) proxy.feed();
  }
});

test('a member that was added and never started: backed up, nothing else is done, exit 5', async () => {
  await cluster.waitHealthy();
  const added = await cluster.addMember({ start: false });
  try {
    await assertOnlyBackedUp(new RegExp(`member ${added.id}: it was added and never started`), {
      ETCDCTL_ENDPOINTS: cluster.member(0).clientUrl,
    });
  } finally {
    await cluster.etcdctl('member', 'remove', added.id);
    cluster.members.pop();
  }
});

test('a learner is left alone and disturbs nothing: exit 0', async () => {
  await cluster.waitHealthy();
  const learner = await cluster.addMember({ learner: true });
  await using store = await scratchFolder('store');
  const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
  const before = (await learner.status()).dbSize;
  // The learner comes first: it answers, but refuses nearly everything.
  const endpoints = [learner.clientUrl, cluster.member(0).clientUrl].join(',');
  const report = assertRunEnded(await runJob({ ...env, ETCDCTL_ENDPOINTS: endpoints }), 0, 'ok');
  assertSteps(report, { backup: 'done', compact: 'done', defragment: 'done' });
  assert.equal(report.members.filter(({ defragmented }) => defragmented).length, 3);
  const told = report.members.find(({ id }) => id === learner.id);
  assert.equal(told?.role, 'learner');
  assert.equal(told?.defragmented, false);
  assert.match(told?.reason ?? '', /learner/);
  assert.ok((await learner.status()).dbSize >= before);
  const { manifest } = await onlyBackup(store.path);
  assert.notEqual(manifest.member.id, learner.id);

  await using other = await scratchFolder('store');
  const only = await runJob({
    ...env,
    ETCDCTL_ENDPOINTS: learner.clientUrl,
    BACKUP_STORE: `file://${other.path}`,
  });
  const refused = assertRunEnded(only, 3, 'failed');
  assert.match(refused.error ?? '', /leads to learners only .* give the endpoint of a voting member/);
  assert.deepEqual(await filesBelow(other.path), []);

  await learner.kill();
  const down = assertRunEnded(await runJob({ ...env, DEFRAG_ENABLED: 'false' }), 0, 'ok');
  assert.deepEqual(down.problems, []);
  assert.ok(down.warnings.some((warning) => warning.startsWith(`learner ${learner.name}`)));
});
