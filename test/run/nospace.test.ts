import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterOptions } from '../support/etcd.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/job.ts';
import { onlyBackup } from '../support/stored.ts';
import {
  assertUnlocked,
  ended,
  memberOf,
  membersIn,
  MIB,
  type Place,
  says,
  startPlace,
  step,
} from '../support/upkeep.ts';

const QUOTA = 16 * MIB;
/** The thresholds as an operator of so small a database would set them; the quota rule alone is to pick. */
const BY_QUOTA = { DEFRAG_MIN_FRAGMENTATION: '1', DEFRAG_MIN_RECLAIM: '1Mi' };

const unlimitedThird = (index: number) => (index === 2 ? ['--quota-backend-bytes=-1'] : []);

describe('NOSPACE', { concurrency: 2 }, () => {
  test('a full history is compacted and defragmented away, the alarm disarmed, and writes work again', async () => {
    await using place = await startFull();
    const { cluster } = place;
    await assert.rejects(cluster.etcdctl('put', 'a', 'b'), /database space exceeded/);
    const result = await runJob(place.env(BY_QUOTA));
    const report = ended(result, 0, 'ok');
    step(report, 'lock', 'skipped', /takes no writes.*goes on without a lock/);
    assert.ok(report.warnings.some((text) => /NOSPACE alarm at m0 .*refuses every write/.test(text)));
    assert.ok(report.warnings.some((text) => /goes on without a lock/.test(text)));
    step(report, 'backup', 'done');
    step(report, 'compact', 'done');
    step(report, 'defragment', 'done');
    step(report, 'disarm', 'done', /NOSPACE disarmed, and a write works/);
    assert.ok((memberOf(report, 'm0').after?.dbSize ?? QUOTA) < QUOTA / 4);
    assert.ok(report.reclaimedBytes > QUOTA / 2);
    assert.equal(await cluster.etcdctl('alarm', 'list'), '');
    assert.match(await cluster.etcdctl('put', 'a', 'b'), /OK/);
    assert.deepEqual(
      (await onlyBackup(place.store)).manifest.problems,
      [],
      'a full cluster is not a sick one',
    );
    await assertUnlocked(cluster);
  });

  test('live data that fills the quota keeps the alarm on, exit code 5, and the report says what to do', async () => {
    await using place = await startFull({}, { keys: 400, overwrites: 0 });
    const { cluster } = place;
    const report = ended(await runJob(place.env(BY_QUOTA)), 5, 'partial');
    step(report, 'backup', 'done');
    step(
      report,
      'disarm',
      'refused',
      /NOSPACE was not disarmed: .*m0 .* still takes \d+ of 16777216 bytes.*delete what is not needed, or raise --quota-backend-bytes/,
    );
    assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);
    await assert.rejects(cluster.etcdctl('put', 'a', 'b'), /database space exceeded/);
  });

  test('ALARM_DISARM=false frees the space and leaves the alarm to a person', async () => {
    await using place = await startFull();
    const { cluster } = place;
    const report = ended(await runJob(place.env({ ...BY_QUOTA, ALARM_DISARM: 'false' })), 0, 'ok');
    step(report, 'defragment', 'done');
    step(report, 'disarm', 'skipped', /ALARM_DISARM is false; the cluster takes no writes until somebody/);
    assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);
    await cluster.etcdctl('alarm', 'disarm');
    assert.match(await cluster.etcdctl('put', 'a', 'b'), /OK/);
  });

  test("QUOTA_BYTES wins over the member's own: above 90 % of it nothing is disarmed", async () => {
    await using place = await startFull();
    const { cluster } = place;
    const report = ended(await runJob(place.env({ QUOTA_BYTES: '100Ki' })), 5, 'partial');
    step(report, 'defragment', 'done');
    step(report, 'disarm', 'refused', /still takes \d+ of 102400 bytes/);
    assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);

    const again = ended(await runJob(place.env({ QUOTA_BYTES: '1Gi' })), 0, 'ok');
    step(again, 'disarm', 'done');
    assert.equal(await cluster.etcdctl('alarm', 'list'), '');
  });

  test('three members, one without a quota: every one is freed, then the alarms are disarmed', async () => {
    await using place = await startFull({ size: 3, extraArgs: unlimitedThird });
    const { cluster } = place;
    const alarmed = (await cluster.etcdctl('alarm', 'list')).trim().split('\n').length;
    assert.ok(alarmed >= 1);
    const result = await runJob(place.env(BY_QUOTA));
    const report = ended(result, 0, 'ok');
    step(report, 'disarm', 'done');
    const freed = membersIn(result.lines, 'member defragmented');
    assert.deepEqual(new Set(freed), new Set(['m0', 'm1']), 'the third has no quota to reach');
    assert.match(memberOf(report, 'm2').reason, /the member has no quota/);
    assert.equal(await cluster.etcdctl('alarm', 'list'), '');
    for (const member of cluster.members) assert.match(await member.etcdctl('put', 'a', 'b'), /OK/);
    assert.ok(result.lines.some(says('alarm NOSPACE disarmed, the cluster takes writes again')));
    await assertUnlocked(cluster);
  });

  test('a database that fills up while the backup runs is told of, and freed by the next run', async () => {
    await using place = await startPlace({ quotaBytes: QUOTA });
    const { cluster } = place;
    place.before('Maintenance/Snapshot', () => fillUp(place, { keys: 4, overwrites: 200 }));
    const report = ended(await runJob(place.env(BY_QUOTA)), 5, 'partial');
    step(report, 'lock', 'done');
    step(report, 'disarm', 'refused', /NOSPACE was not disarmed: .*still takes/);
    place.before('Maintenance/Snapshot', () => {});
    step(ended(await runJob(place.env(BY_QUOTA)), 0, 'ok'), 'disarm', 'done');
    assert.match(await cluster.etcdctl('put', 'a', 'b'), /OK/);
  });

  test('a history that somebody compacted by hand is still defragmented, though the sizes in use are old', async () => {
    await using place = await startFull({ size: 3 });
    const { cluster } = place;
    const { revision } = await cluster.member(0).status();
    await cluster.etcdctl('compaction', String(revision), '--physical');
    const report = ended(await runJob(place.env(BY_QUOTA)), 0, 'ok');
    step(report, 'compact', 'skipped', /nothing new/);
    step(report, 'defragment', 'done', /3 of 3/);
    step(report, 'disarm', 'done');
  });
});

/** A cluster that was written to until it refused. */
async function startFull(options: ClusterOptions = {}, data = { keys: 4, overwrites: 200 }): Promise<Place> {
  const place = await startPlace({ quotaBytes: QUOTA, ...options });
  await fillUp(place, data);
  return place;
}

async function fillUp({ cluster }: Place, data: { keys: number; overwrites: number }): Promise<void> {
  // etcd looks at the size of its last commit, so that a first round in flight may still pass.
  const filling = async (): Promise<void> => {
    for (;;) await fill(cluster, { ...data, valueBytes: 65_536 });
  };
  await assert.rejects(filling(), /database space exceeded/);
}
