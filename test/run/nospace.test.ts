import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ClusterOptions } from '../support/etcd-cluster.ts';
import { askGateway } from '../support/etcd-gateway.ts';
import { fill } from '../support/fill.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { runJob } from '../support/run-job.ts';
import { onlyBackup } from '../support/stored-backup.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { memberOf } from '../support/run-report.ts';
import { membersIn, withMessage } from '../support/log-lines.ts';
import { MIB } from '../support/units.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';

const QUOTA = 16 * MIB;
/** The thresholds as an operator of so small a database would set them; the quota rule alone is to pick. */
const BY_QUOTA = { DEFRAG_MIN_FRAGMENTATION: '1', DEFRAG_MIN_RECLAIM: '1Mi' };

const unlimitedThird = (index: number) => (index === 2 ? ['--quota-backend-bytes=-1'] : []);

describe('NOSPACE', { concurrency: 2 }, () => {
  test('a full history is compacted and defragmented away, the alarm disarmed, and writes work again', async () => {
    await using proxied = await startFull();
    const { cluster } = proxied;
    await assert.rejects(cluster.etcdctl('put', 'a', 'b'), /database space exceeded/);
    const result = await runJob(proxied.env(BY_QUOTA));
    const report = assertRunEnded(result, 0, 'ok');
    assertSteps(report, { lock: ['skipped', /takes no writes.*goes on without a lock/] });
    assert.ok(report.warnings.some((text) => /NOSPACE alarm at m0 .*refuses every write/.test(text)));
    assert.ok(report.warnings.some((text) => /goes on without a lock/.test(text)));
    assertSteps(report, {
      backup: 'done',
      compact: 'done',
      defragment: 'done',
      disarm: ['done', /NOSPACE disarmed, and a write works/],
    });
    assert.ok((memberOf(report, 'm0').after?.dbSize ?? QUOTA) < QUOTA / 4);
    assert.ok(report.reclaimedBytes > QUOTA / 2);
    assert.equal(await cluster.etcdctl('alarm', 'list'), '');
    assert.match(await cluster.etcdctl('put', 'a', 'b'), /OK/);
    assert.deepEqual(
      (await onlyBackup(proxied.store)).manifest.problems,
      [],
      'a full cluster is not a sick one',
    );
    await assertUnlocked(cluster);
  });

  test('live data that fills the quota keeps the alarm on, exit code 5, and the report says what to do', async () => {
    await using proxied = await startFull({}, { keys: 400, overwrites: 0 });
    const { cluster } = proxied;
    const report = assertRunEnded(await runJob(proxied.env(BY_QUOTA)), 5, 'partial');
    assertSteps(report, {
      backup: 'done',
      disarm: [
        'refused',
        /NOSPACE was not disarmed: .*m0 .* still takes \d+ of 16777216 bytes.*Delete what is not needed, or raise --quota-backend-bytes/,
      ],
    });
    assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);
    await assert.rejects(cluster.etcdctl('put', 'a', 'b'), /database space exceeded/);
  });

  test('ALARM_DISARM=false frees the space and leaves the alarm to a person', async () => {
    await using proxied = await startFull();
    const { cluster } = proxied;
    const report = assertRunEnded(await runJob(proxied.env({ ...BY_QUOTA, ALARM_DISARM: 'false' })), 0, 'ok');
    assertSteps(report, {
      defragment: 'done',
      disarm: ['skipped', /ALARM_DISARM is false; the cluster takes no writes until somebody/],
    });
    assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);
    await cluster.etcdctl('alarm', 'disarm');
    assert.match(await cluster.etcdctl('put', 'a', 'b'), /OK/);
  });

  test("QUOTA_BYTES wins over the member's own: above 90 % of it nothing is disarmed", async () => {
    await using proxied = await startFull();
    const { cluster } = proxied;
    const report = assertRunEnded(await runJob(proxied.env({ QUOTA_BYTES: '100Ki' })), 5, 'partial');
    assertSteps(report, { defragment: 'done', disarm: ['refused', /still takes \d+ of 102400 bytes/] });
    assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);

    const again = assertRunEnded(await runJob(proxied.env({ QUOTA_BYTES: '1Gi' })), 0, 'ok');
    assertSteps(again, { disarm: 'done' });
    assert.equal(await cluster.etcdctl('alarm', 'list'), '');
  });

  test('three members, one without a quota: every one is freed, then the alarms are disarmed', async () => {
    await using proxied = await startFull({ size: 3, extraArgs: unlimitedThird });
    const { cluster } = proxied;
    const alarmed = (await cluster.etcdctl('alarm', 'list')).trim().split('\n').length;
    assert.ok(alarmed >= 1);
    const result = await runJob(proxied.env(BY_QUOTA));
    const report = assertRunEnded(result, 0, 'ok');
    assertSteps(report, { disarm: 'done' });
    const freed = membersIn(result.lines, 'member defragmented');
    assert.deepEqual(new Set(freed), new Set(['m0', 'm1']), 'the third has no quota to reach');
    assert.match(memberOf(report, 'm2').reason, /the member has no quota/);
    assert.equal(await cluster.etcdctl('alarm', 'list'), '');
    for (const member of cluster.members) assert.match(await member.etcdctl('put', 'a', 'b'), /OK/);
    assert.ok(result.lines.some(withMessage('alarm NOSPACE disarmed, the cluster takes writes again')));
    await assertUnlocked(cluster);
  });

  test('a database that fills up while the backup runs is told of, and freed by the next run', async () => {
    await using proxied = await startProxiedCluster({ quotaBytes: QUOTA });
    const { cluster } = proxied;
    proxied.before('Maintenance/Snapshot', () => fillUp(proxied, { keys: 4, overwrites: 200 }));
    const report = assertRunEnded(await runJob(proxied.env(BY_QUOTA)), 5, 'partial');
    assertSteps(report, { lock: 'done', disarm: ['refused', /NOSPACE was not disarmed: .*still takes/] });
    proxied.before('Maintenance/Snapshot', () => {});
    assertSteps(assertRunEnded(await runJob(proxied.env(BY_QUOTA)), 0, 'ok'), { disarm: 'done' });
    assert.match(await cluster.etcdctl('put', 'a', 'b'), /OK/);
  });

  test('a history that somebody compacted by hand is still defragmented, though the sizes in use are old', async () => {
    await using proxied = await startFull({ size: 3 });
    const { cluster } = proxied;
    const { revision } = await cluster.member(0).status();
    await cluster.etcdctl('compaction', String(revision), '--physical');
    const report = assertRunEnded(await runJob(proxied.env(BY_QUOTA)), 0, 'ok');
    assertSteps(report, {
      compact: ['skipped', /nothing new/],
      defragment: ['done', /3 of 3/],
      disarm: 'done',
    });
  });

  test('a quota that no member tells is a guess: it refuses no disarm, and is in no metric, manifest or forecast', async () => {
    await using proxied = await startFull(untoldQuota);
    await using folder = await scratchFolder('metrics');
    const metrics = join(folder.path, 'metrics.prom');
    const result = await runJob(proxied.env({ ...BY_QUOTA, METRICS_TEXTFILE: metrics }));
    const report = assertRunEnded(result, 0, 'ok');
    assertSteps(report, {
      defragment: ['done', /1 of 1/],
      disarm: ['done', /NOSPACE disarmed, and a write works/],
    });
    assert.ok(report.warnings.some((text) => /the quota of m0 .* could not be read.*QUOTA_BYTES/.test(text)));
    assert.equal(memberOf(report, 'm0').quotaBytes, undefined);
    assert.equal(report.forecast, undefined);
    const text = await readFile(metrics, 'utf8');
    assert.match(text, /etcd_upkeep_member_db_size_bytes/);
    assert.doesNotMatch(text, /quota/);
    assert.equal((await onlyBackup(proxied.store)).manifest.database?.quota, undefined);
    assert.equal(await proxied.cluster.etcdctl('alarm', 'list'), '');
  });

  test('an alarm that comes back over such a quota: exit 5, and the report says to tell it', async () => {
    await using proxied = await startProxiedCluster(untoldQuota);
    const raise = async () => {
      const { id, httpUrl } = proxied.cluster.member(0);
      const body = { action: 'ACTIVATE', memberID: BigInt(`0x${id}`).toString(), alarm: 'NOSPACE' };
      await askGateway(httpUrl, {}, 'maintenance/alarm', { body });
    };
    await raise();
    // At the write that is to show that writes work: as if it had filled the quota again.
    proxied.before('Lease/LeaseGrant', raise);
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      backup: 'done',
      disarm: ['failed', /NOSPACE.*back.*Delete what is not needed.*set QUOTA_BYTES to it, since m0/],
    });
    assert.match(await proxied.cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);
  });
});

/** Before 3.6.6 it is told by `/metrics` alone, which this moves away from the clients' URL. */
const untoldQuota: ClusterOptions = { version: '3.5', httpElsewhere: true };

/** A cluster that was written to until it refused. */
async function startFull(
  options: ClusterOptions = {},
  data = { keys: 4, overwrites: 200 },
): Promise<ProxiedCluster> {
  const proxied = await startProxiedCluster({ quotaBytes: QUOTA, ...options });
  await fillUp(proxied, data);
  return proxied;
}

async function fillUp(
  { cluster }: ProxiedCluster,
  data: { keys: number; overwrites: number },
): Promise<void> {
  // etcd looks at the size of its last commit, so that a first round in flight may still pass.
  const filling = async (): Promise<void> => {
    for (;;) await fill(cluster, { ...data, valueBytes: 65_536 });
  };
  await assert.rejects(filling(), /database space exceeded/);
}
