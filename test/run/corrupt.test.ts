import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Report } from '../../src/run/report.ts';
import { changeStoredValue } from '../support/change-stored-value.ts';
import { type Cluster, type Member, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { askGateway } from '../support/etcd-gateway.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { readKeys } from '../support/read-keys.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, restoreBackup } from '../support/stored-backup.ts';
import type { EtcdVersion } from '../support/tools.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const VALUE = 'the value that is the same everywhere';
const ROTTEN = 'the value that is the s_me everywhere';
const WORSE = 'the value that is the s_me everywh_re';

const settings = {
  BACKUP_KEEP_LAST: '1',
  BACKUP_COMPRESSION: 'none',
  CLUSTER_NAME: 'test',
  COMPACTION_RETENTION: '5',
  DEFRAG_MIN_DB_SIZE: '0',
  DEFRAG_MIN_FRAGMENTATION: '0',
  DEFRAG_WAIT: '0s',
};

/** Three members, and a backup of a run when all was well. */
async function startWell(stack: AsyncDisposableStack, version: EtcdVersion = '3.6') {
  const cluster = stack.use(await startCluster({ size: 3, version }));
  const store = stack.use(await scratchFolder('store'));
  await fill(cluster, { keys: 20, valueBytes: 5000, overwrites: 20 });
  await cluster.etcdctl('put', '/registry/marker', VALUE);
  const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
  const quiet = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };
  assertRunEnded(await runJob({ ...env, ...quiet }), 0, 'nothing-needed');
  const [first = ''] = await filesBelow(store.path);
  return { cluster, env, root: store.path, first };
}

/** Exit 5 with a new backup beside the old one, which is not pruned, and nothing changed in the cluster. */
async function assertBackedUpBeside(
  started: Awaited<ReturnType<typeof startWell>>,
  { locked }: { locked: boolean },
): Promise<{ report: Report; file: string }> {
  const { cluster, env, root, first } = started;
  const before = await tracesOf(cluster);
  const report = assertRunEnded(await runJob(env), 5, 'partial');
  assertSteps(report, { backup: 'done', prune: 'refused', compact: 'refused', defragment: 'refused' });
  assert.match(
    report.steps.prune.reason,
    /no backup is deleted, because .*an older one may be the only good one/,
  );
  const files = await filesBelow(root);
  assert.equal(files.length, 4, files.join(', '));
  assert.ok(files.includes(first));
  await assertUntouched(cluster, before, { locked });
  const name = report.backup?.name ?? '';
  return { report, file: join(root, 'test', name) };
}

/** The member that the plan would take: the one that has to be avoided once it is the bad one. */
async function favourite({ env }: { env: Record<string, string> }, cluster: Cluster): Promise<Member> {
  const result = await runJob({ ...env, DRY_RUN: 'true' });
  const plan = result.lines.find(({ msg }) => msg === 'plan');
  const told = String(plan?.backup);
  const name = /from (m\d)/.exec(told)?.[1];
  return cluster.members.find((member) => member.name === name) ?? assert.fail(`no member in ${told}`);
}

// Each has a cluster of its own.
describe('data that differ', { concurrency: 2 }, () => {
  for (const version of ['3.4', '3.5', '3.7'] as const) {
    test(`one member holds other data (etcd ${version}): the majority is backed up, nothing is pruned, exit 5`, async () => {
      await using stack = new AsyncDisposableStack();
      const started = await startWell(stack, version);
      const { cluster } = started;
      const odd = await favourite(started, cluster);
      await changeStoredValue(odd, VALUE, ROTTEN);
      await cluster.waitHealthy();
      const { report, file } = await assertBackedUpBeside(started, { locked: true });
      assert.equal(report.problems.length, 1);
      assert.match(
        report.problems[0] ?? '',
        new RegExp(`do not hold the same data: .*\\d+ at ${odd.name} \\(${odd.id}\\)(;|\\)$)`),
      );
      await using restored = await restoreBackup({ file }, { version });
      assert.equal((await readKeys(restored)).get('/registry/marker')?.value, VALUE);
    });
  }

  test('the leader holds other data: a follower of the majority is backed up', async () => {
    await using stack = new AsyncDisposableStack();
    const started = await startWell(stack);
    const odd = await started.cluster.leader();
    await changeStoredValue(odd, VALUE, ROTTEN);
    await started.cluster.moveLeaderTo(odd);
    const { file } = await assertBackedUpBeside(started, { locked: true });
    await using restored = await restoreBackup({ file });
    assert.equal((await readKeys(restored)).get('/registry/marker')?.value, VALUE);
  });

  test('every member holds other data: backed up all the same, and the report says that nobody knows which is right', async () => {
    await using stack = new AsyncDisposableStack();
    const started = await startWell(stack);
    const { cluster } = started;
    await changeStoredValue(cluster.member(1), VALUE, ROTTEN);
    await changeStoredValue(cluster.member(2), VALUE, WORSE);
    await cluster.waitHealthy();
    const { report } = await assertBackedUpBeside(started, { locked: true });
    assert.match(report.steps.backup.reason, /nobody can say whether this copy is the right one/);
  });

  test('CONSISTENCY_CHECK=false does not see it, and the report says that nobody looked', async () => {
    await using stack = new AsyncDisposableStack();
    const started = await startWell(stack);
    await changeStoredValue(started.cluster.member(0), VALUE, ROTTEN);
    await started.cluster.waitHealthy();
    const result = await runJob({ ...started.env, CONSISTENCY_CHECK: 'false', DEFRAG_ENABLED: 'false' });
    assertRunEnded(result, 0, 'ok');
    assert.equal(result.lines.find(({ msg }) => msg === 'plan')?.consistency, 'not-checked');
  });

  for (const version of ['3.5', '3.6'] as const) {
    test(`a CORRUPT alarm accuses one member (etcd ${version}): another one is backed up, nothing else is done, exit 5`, async () => {
      await using stack = new AsyncDisposableStack();
      const started = await startWell(stack, version);
      const { cluster } = started;
      const accused = await favourite(started, cluster);
      await raiseCorrupt(cluster, accused);
      const { report, file } = await assertBackedUpBeside(started, { locked: false });
      assertSteps(report, { lock: 'skipped' });
      assert.deepEqual(report.problems, [`CORRUPT alarm at ${accused.name} (${accused.id})`]);
      assert.ok(report.warnings.some((warning) => /goes on without a lock: .*corrupt cluster/.test(warning)));
      assert.doesNotMatch(report.steps.backup.reason, new RegExp(accused.id));
      assert.match(await cluster.etcdctl('alarm', 'list'), /CORRUPT/, 'the alarm is a person to disarm');
      await using restored = await restoreBackup({ file }, { version });
      assert.equal((await readKeys(restored)).get('/registry/marker')?.value, VALUE);
    });
  }

  test('a CORRUPT alarm at the only member: backed up all the same, with the doubt in the report', async () => {
    await using cluster = await startCluster();
    await using store = await scratchFolder('store');
    await fill(cluster, { keys: 20, valueBytes: 5000, overwrites: 20 });
    await raiseCorrupt(cluster, cluster.member(0));
    const before = await tracesOf(cluster);
    const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
    const report = assertRunEnded(await runJob(env), 5, 'partial');
    assertSteps(report, { lock: 'skipped', backup: 'done', compact: 'refused', defragment: 'refused' });
    assert.match(report.steps.backup.reason, /a CORRUPT alarm accuses it/);
    await assertUntouched(cluster, before);
  });
});

/** etcdctl has no command for it; the members raise it by this very request when they find a difference. */
async function raiseCorrupt(cluster: Cluster, { clientUrl, id }: Member): Promise<void> {
  const body = { action: 'ACTIVATE', memberID: BigInt(`0x${id}`).toString(), alarm: 'CORRUPT' };
  await askGateway(clientUrl, cluster.access, 'maintenance/alarm', { body });
}
