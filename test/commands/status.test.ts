import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settledSize } from '../support/settled-size.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';

const POLICY = {
  COMPACTION_RETENTION: '2',
  DEFRAG_MIN_DB_SIZE: '0',
  DEFRAG_MIN_FRAGMENTATION: '0',
  CLUSTER_NAME: 'prod',
};

describe('status', () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster({ size: 3, tls: true });
    await fill(cluster, { keys: 100, valueBytes: 10_000, overwrites: 5 });
    await settledSize(cluster);
  });

  after(() => cluster[Symbol.asyncDispose]());

  test('tells the members, what a run would do and why, and changes nothing', async () => {
    await using store = await scratchFolder('store');
    const traces = await tracesOf(cluster);
    const env = { ...cluster.env, ...POLICY, BACKUP_STORE: `file://${store.path}` };
    const status = await jsonOf(['status'], env);
    const leader = await cluster.leader();
    assert.deepEqual(status.cluster, { name: 'prod', id: (await leader.status()).clusterId });
    assert.equal(status.revision, traces.revision);
    assert.equal(status.compactRevision, 0);
    assert.equal(status.consistency, 'agreed');
    assert.deepEqual([status.alarms, status.problems, status.warnings], [[], [], []]);
    assert.equal(status.members.length, 3);
    for (const member of status.members) {
      assert.equal(member.role, member.id === leader.id ? 'leader' : 'follower');
      assert.match(member.version, /^3\.6\./);
      assert.ok(member.dbSize >= member.dbSizeInUse && member.dbSizeInUse > 5_000_000);
      assert.equal(member.fragmentation, 1 - member.dbSizeInUse / member.dbSize);
      assert.deepEqual(member.quota, { kind: 'known', bytes: 2 ** 31 });
      assert.equal(member.quotaUsage, member.dbSize / 2 ** 31);
      assert.equal(member.defragment, true);
      assert.match(member.reason, /reaches DEFRAG_MIN_FRAGMENTATION/);
    }
    const would = Object.entries<{ would: string }>(status.steps).map(([name, step]) => [name, step.would]);
    assert.deepEqual(would, [
      ['backup', 'do'],
      ['prune', 'do'],
      ['compact', 'do'],
      ['defragment', 'do'],
      ['disarm', 'skip'],
    ]);
    assert.deepEqual(await filesBelow(store.path), []);
    await assertUntouched(cluster, traces);
  });

  test('is two tables for people', async () => {
    const { stdout, stderr } = assertCommandEnded(
      await runCommand(['status'], { ...cluster.env, ...POLICY }),
      0,
    );
    assert.equal(stderr, '');
    assert.match(stdout, /^cluster prod, revision \d+, compacted at 0, data agreed$/m);
    assert.match(stdout, /^MEMBER +ROLE +VERSION +SIZE +IN USE +FRAGMENTED +QUOTA +OF QUOTA$/m);
    assert.match(stdout, /^m\d +leader +3\.6\.\d+ +\d+\.\d MiB +\d+\.\d MiB +[\d.]+ % +2\.0 GiB +[\d.]+ %$/m);
    assert.match(stdout, /^STEP +A RUN WOULD +WHY$/m);
    assert.match(stdout, /^compact +do +keeps 2 revisions \(COMPACTION_RETENTION\)$/m);
    assert.match(stdout, /^ {2}m\d +do +now: .* can be reclaimed/m);
  });

  test('says what the configuration makes of it', async () => {
    const env = {
      ...cluster.env,
      COMPACTION_ENABLED: 'false',
      DEFRAG_ENABLED: 'false',
      CONSISTENCY_CHECK: 'false',
    };
    const { steps, consistency } = await jsonOf(['status'], env);
    assert.equal(consistency, 'not-checked');
    assert.deepEqual(steps.compact, { would: 'skip', reason: 'COMPACTION_ENABLED is false' });
    assert.deepEqual(steps.defragment, { would: 'skip', reason: 'DEFRAG_ENABLED is false' });
  });

  test('ends with 5 when a member is down, and says which', async () => {
    const [member] = await cluster.followers();
    assert.ok(member);
    await member.stop();
    try {
      const status = await jsonOf(['status'], { ...cluster.env, ...POLICY }, 5);
      assert.match(status.problems.join(), new RegExp(`member ${member.name} .*: `));
      assert.equal(status.steps.backup.would, 'do');
      assert.equal(status.steps.compact.would, 'refuse');
      assert.equal(status.members.find(({ id }: { id: string }) => id === member.id).dbSize, undefined);
      const { stdout } = assertCommandEnded(await runCommand(['status'], { ...cluster.env, ...POLICY }), 5);
      assert.match(stdout, new RegExp(`^PROBLEM +member ${member.name} `, 'm'));
      assert.match(stdout, /^compact +refuse +the cluster is not well/m);
    } finally {
      await member.start();
      await cluster.waitHealthy();
    }
  });
});

test('status ends with 5 at an alarm that a run would deal with', async () => {
  await using cluster = await startCluster({ quotaBytes: 16 * 2 ** 20 });
  await fill(cluster, { keys: 64, valueBytes: 65_536, overwrites: 20 }).catch(() => undefined); // until it is full
  const status = await jsonOf(['status'], { ...cluster.env, ...POLICY }, 5);
  assert.deepEqual(
    status.alarms.map(({ type }: { type: string }) => type),
    ['NOSPACE'],
  );
  assert.equal(status.steps.disarm.would, 'do');
  const { stdout } = assertCommandEnded(await runCommand(['status'], { ...cluster.env, ...POLICY }), 5);
  assert.match(stdout, /^ALARM +NOSPACE at m0 /m);
});

test('status that cannot reach etcd, or is configured wrong, says so on standard error alone', async () => {
  const nowhere = { ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1', ETCDCTL_DIAL_TIMEOUT: '1s' };
  await assertCommandRefused(
    ['status'],
    nowhere,
    3,
    /^etcd-upkeep: no endpoint of ETCDCTL_ENDPOINTS answered/,
  );
  await assertCommandRefused(
    ['status'],
    { QUOTA_BYTES: 'much', DRY_RUN: 'yes' },
    2,
    /DRY_RUN is .*\nQUOTA_BYTES is /,
  );
});
