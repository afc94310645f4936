import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fill } from '../support/fill.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { stallSnapshot } from '../support/stalled-snapshot.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { memberOf } from '../support/run-report.ts';
import { membersIn } from '../support/log-lines.ts';
import { startProxiedCluster } from '../support/proxied-cluster.ts';

/** Nine tenths of it history that a compaction frees; more than HTTP/2 sends ahead. */
const HISTORY = { keys: 20, valueBytes: 16_384, overwrites: 15 };

describe('a cluster of one member', { concurrency: 3 }, () => {
  test('the policy decides which member is worth it, and says by which threshold', async () => {
    await using proxied = await startProxiedCluster();
    const { cluster } = proxied;
    await fill(cluster, HISTORY);
    await cluster.etcdctl('compaction', String((await cluster.member(0).status()).revision));
    const quiet = { COMPACTION_ENABLED: 'false', DEFRAG_MIN_FRAGMENTATION: '1', DEFRAG_MIN_RECLAIM: '0' };
    const { dbSize } = await cluster.member(0).status();

    const tooLittle = assertRunEnded(await runJob(proxied.env(quiet)), 0, 'nothing-needed');
    assertSteps(tooLittle, { defragment: ['skipped', /no member is worth it by the policy/] });
    const { reason } = memberOf(tooLittle, 'm0');
    assert.match(reason, /% of the file is below DEFRAG_MIN_FRAGMENTATION \(100 %\)/);
    assert.ok(!proxied.proxy(cluster.member(0).id).calls.includes('Maintenance/Defragment'));

    const report = assertRunEnded(
      await runJob(proxied.env({ ...quiet, QUOTA_BYTES: String(dbSize), DEFRAG_QUOTA_USAGE: '0.9' })),
      0,
      'ok',
    );
    assertSteps(report, { defragment: ['done', /1 of 1 members defragmented/] });
    const { before, after, defragmented } = memberOf(report, 'm0');
    assert.ok(defragmented);
    assert.ok((before?.dbSize ?? 0) >= dbSize && (after?.dbSize ?? dbSize) < dbSize / 2);
    assert.equal(report.reclaimedBytes, (before?.dbSize ?? 0) - (after?.dbSize ?? 0));
    await assertUnlocked(cluster);
  });

  test('the wait for health costs the cluster nothing but Status: each alarm list goes through its log', async () => {
    await using proxied = await startProxiedCluster();
    const { cluster } = proxied;
    await fill(cluster, HISTORY);
    const { calls } = proxied.proxy(cluster.member(0).id);
    const listed = async (wait: string): Promise<number> => {
      const before = calls.length;
      assertRunEnded(
        await runJob(proxied.env({ DEFRAG_MIN_FRAGMENTATION: '0', DEFRAG_WAIT: wait })),
        0,
        'ok',
      );
      return calls.slice(before).filter((call) => call === 'Maintenance/Alarm').length;
    };
    const [short, long] = [await listed('0s'), await listed('3s')];
    assert.ok(short > 0);
    assert.equal(long, short);
  });

  test('a cluster of one is left alone with DEFRAG_SINGLE_MEMBER=false, and an unlimited quota asks for nothing', async () => {
    await using proxied = await startProxiedCluster({ extraArgs: ['--quota-backend-bytes=-1'] });
    const { cluster } = proxied;
    await fill(cluster, HISTORY);
    const before = await tracesOf(cluster);
    const left = assertRunEnded(
      await runJob(proxied.env({ DEFRAG_SINGLE_MEMBER: 'false', COMPACTION_ENABLED: 'false' })),
      0,
      'nothing-needed',
    );
    assertSteps(left, { defragment: ['skipped', /DEFRAG_SINGLE_MEMBER is false/] });
    await assertUntouched(cluster, before, { locked: true });

    const unlimited = assertRunEnded(
      await runJob(proxied.env({ DEFRAG_MIN_FRAGMENTATION: '1', DEFRAG_QUOTA_USAGE: '0' })),
      0,
      'ok',
    );
    assertSteps(unlimited, { defragment: 'skipped' });
    assert.match(memberOf(unlimited, 'm0').reason, /the member has no quota/);
    assert.ok(!proxied.proxy(cluster.member(0).id).calls.includes('Maintenance/Defragment'));
  });

  test('a learner is left alone, and so is its cluster no smaller than before', async () => {
    await using proxied = await startProxiedCluster();
    const { cluster } = proxied;
    await fill(cluster, HISTORY);
    const learner = await cluster.addMember({ learner: true });
    const report = assertRunEnded(await runJob(proxied.env()), 0, 'ok');
    assert.ok(memberOf(report, 'm0').defragmented);
    const left = memberOf(report, learner.name);
    assert.deepEqual([left.role, left.defragmented], ['learner', false]);
    assert.match(left.reason, /it is a learner/);
    assert.ok(!proxied.proxy(learner.id).calls.includes('Maintenance/Defragment'));
  });

  test('while a snapshot is streamed from the member it waits, and goes on when the stream ends', async () => {
    await using proxied = await startProxiedCluster();
    const { cluster } = proxied;
    await fill(cluster, HISTORY);
    using stream = await stallSnapshot(cluster.member(0));
    await using job = await startJob(proxied.env());
    await job.waitForLine((line) => line.step === 'compact' && line.msg === 'step done');
    await sleep(4_000);
    assert.deepEqual(membersIn(job.lines, 'member defragmenting'), []);
    stream[Symbol.dispose]();
    const report = assertRunEnded(await job.finished, 0, 'ok');
    assert.ok(memberOf(report, 'm0').defragmented);
    assert.ok((memberOf(report, 'm0').unavailableSeconds ?? 99) < 4, 'the wait is no time without an answer');
  });

  test('a snapshot stream that stays open keeps the member from being defragmented', async () => {
    await using proxied = await startProxiedCluster();
    const { cluster } = proxied;
    await fill(cluster, HISTORY);
    using _stream = await stallSnapshot(cluster.member(0));
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      defragment: ['refused', /m0 .*streaming a snapshot from it for 30 s.*no further member was touched/],
      compact: 'done',
    });
    assert.equal(memberOf(report, 'm0').defragmented, false);
    assert.ok(!proxied.proxy(cluster.member(0).id).calls.includes('Maintenance/Defragment'));
    await assertUnlocked(cluster);
  });
});
