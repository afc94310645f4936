import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterOptions } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type Job, runJob, startJob } from '../support/run-job.ts';
import { stallSnapshot } from '../support/stalled-snapshot.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { type Traces, tracesOf } from '../support/cluster-traces.ts';
import { assertUnlocked, LOCK_KEY, lockLease } from '../support/run-lock.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { holdCalls, type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { memberOf } from '../support/run-report.ts';
import { withMessage } from '../support/log-lines.ts';

const HISTORY = { keys: 20, valueBytes: 16_384, overwrites: 5 };

async function startFilled(options: ClusterOptions = {}): Promise<ProxiedCluster> {
  const proxied = await startProxiedCluster(options);
  await fill(proxied.cluster, HISTORY);
  return proxied;
}

/** What changes a cluster, or takes a copy of it. */
const WORK = ['Maintenance/Snapshot', 'KV/Compact', 'Maintenance/Defragment', 'Maintenance/MoveLeader'];

describe('the lock', { concurrency: 3 }, () => {
  test('a second run that sees the first one alive ends with exit code 6 and does nothing', async () => {
    await using proxied = await startFilled();
    const { cluster, store } = proxied;
    const hold = holdCalls(proxied, 'Maintenance/Snapshot');
    await using first = await startJob(proxied.env({ LOCK_TTL: '6s' }));
    await hold.reached();
    const before = await tracesOf(cluster);
    const result = await runJob(proxied.env({ LOCK_TTL: '6s' }));
    const report = assertRunEnded(result, 6, 'busy');
    assertSteps(report, {
      lock: ['refused', /another run holds the lock etcd-upkeep\/lock .*renewed while it was watched/],
    });
    const missed = ['skipped', /not reached: the run ended at lock/] as const;
    assertSteps(report, {
      backup: missed,
      prune: missed,
      compact: missed,
      defragment: missed,
      disarm: missed,
    });
    assert.deepEqual(callsOf(proxied), ['Maintenance/Snapshot'], 'only the first run has done anything');
    const now = await tracesOf(cluster);
    assert.equal(now.revision, before.revision);
    assert.deepEqual(hashesOf(now), hashesOf(before));
    assert.deepEqual(await filesBelow(store), []);
    hold.release();
    assertSteps(assertRunEnded(await first.finished, 0, 'ok'), { backup: 'done' });
    assert.equal((await filesBelow(store)).length, 2);
    await assertUnlocked(cluster);
  });

  test('a second run waits until the first one is done and then does its work', async () => {
    await using proxied = await startFilled();
    const { cluster, store } = proxied;
    const hold = holdCalls(proxied, 'Maintenance/Snapshot');
    // Without a defragmentation, before which the lease is renewed: that would be the sign of life.
    await using first = await startJob(proxied.env({ LOCK_TTL: '60s', DEFRAG_ENABLED: 'false' }));
    await hold.reached();
    await using second = await startJob(proxied.env({ LOCK_TTL: '60s' }));
    const waiting = await second.waitForLine(
      withMessage('lock is held, waiting for it to expire or be renewed'),
    );
    assert.match(String(waiting.holder), /"holder":".+\/\d+"/, 'a person is told who holds it');
    hold.release();
    const [one, two] = await Promise.all([first.finished, second.finished]);
    assertRunEnded(one, 0, 'ok');
    assertRunEnded(two, 0, 'ok');
    const secondStart = await second.waitForLine((line) => line.step === 'lock');
    assert.ok(String(secondStart.time) > String(lastWorkOf(one.lines)), 'they overlapped');
    assert.equal((await filesBelow(store)).length, 4);
    await assertUnlocked(cluster);
  });

  for (const { when, ttl, pauseMs } of [
    { when: 'at once', ttl: '6s', pauseMs: 0 },
    { when: 'five seconds later', ttl: '10s', pauseMs: 5_000 },
  ]) {
    test(`a run that was killed with SIGKILL and is retried ${when} waits for the lease and does the whole run`, async () => {
      await using proxied = await startFilled();
      const { cluster, store } = proxied;
      const hold = holdCalls(proxied, 'Maintenance/Snapshot');
      await using dead = await startJob(proxied.env({ LOCK_TTL: ttl }));
      await hold.reached();
      dead.kill('SIGKILL');
      assert.equal((await dead.finished).signal, 'SIGKILL');
      hold.release();
      await sleep(pauseMs);
      assert.ok(await lockLease(cluster), 'the dead run still holds the lock');
      const result = await runJob(proxied.env({ LOCK_TTL: ttl }));
      const report = assertRunEnded(result, 0, 'ok');
      assert.ok(result.lines.some(withMessage('lock is held, waiting for it to expire or be renewed')));
      assertSteps(report, { lock: 'done', compact: 'done', defragment: 'done' });
      assert.equal((await filesBelow(store)).length, 2);
      await assertUnlocked(cluster);
    });
  }

  test("a crashed run's lock that lives longer than LOCK_TTL allows to wait for is not taken", async () => {
    await using proxied = await startFilled();
    const { cluster } = proxied;
    const lease = await grant(proxied, 600);
    await cluster.etcdctl('put', LOCK_KEY, 'someone', `--lease=${lease}`);
    const before = await tracesOf(cluster);
    const report = assertRunEnded(await runJob(proxied.env({ LOCK_TTL: '1s' })), 6, 'busy');
    assertSteps(report, {
      lock: ['refused', /\(someone\): its lease has 5\d\d s left, more than LOCK_TTL allows to wait for/],
    });
    assert.ok(report.steps.lock.durationMs >= 16_000, 'it was watched for LOCK_TTL and 15 s');
    assert.equal((await tracesOf(cluster)).revision, before.revision);
    assert.deepEqual(await filesBelow(proxied.store), []);
  });

  test('a key without a lease never expires: exit code 6 at once, saying what to do', async () => {
    await using proxied = await startFilled();
    const { cluster } = proxied;
    await cluster.etcdctl('put', LOCK_KEY, 'a person');
    const before = await tracesOf(cluster);
    const report = assertRunEnded(await runJob(proxied.env()), 6, 'busy');
    assertSteps(report, {
      lock: ['refused', /\(a person\): it hangs on no lease .*if no run is alive, delete the key/],
    });
    assert.ok(report.steps.lock.durationMs < 15_000);
    assert.equal((await tracesOf(cluster)).revision, before.revision);
    assert.match(await cluster.etcdctl('get', LOCK_KEY), /a person/);
  });

  for (const { how, lose } of [
    { how: 'deleted', lose: ({ cluster }: ProxiedCluster) => cluster.etcdctl('del', LOCK_KEY) },
    {
      how: 'gone with its lease',
      lose: async ({ cluster }: ProxiedCluster) =>
        cluster.etcdctl('lease', 'revoke', BigInt((await lockLease(cluster)) ?? 0).toString(16)),
    },
  ]) {
    test(`a lock that is ${how} in the middle and free is taken again, with a warning`, async () => {
      await using proxied = await startFilled();
      const hold = holdCalls(proxied, 'Maintenance/Snapshot');
      await using job = await startJob(proxied.env());
      await hold.reached();
      await lose(proxied);
      hold.release();
      const result = await job.finished;
      const report = assertRunEnded(result, 0, 'ok');
      assertSteps(report, { compact: 'done' });
      const warning = result.lines.find(withMessage('lock was gone and free, taking it again'));
      assert.equal(warning?.level, 'warn');
      assert.equal(await lockLease(proxied.cluster), undefined);
    });
  }

  test("a lock that another run took in the middle stops this one there, exit code 5, and stays that run's", async () => {
    await using proxied = await startFilled();
    const { cluster } = proxied;
    const hold = holdCalls(proxied, 'Maintenance/Snapshot');
    await using job = await startJob(proxied.env());
    await hold.reached();
    const lease = await grant(proxied, 600);
    await cluster.etcdctl('put', LOCK_KEY, 'the other', `--lease=${lease}`);
    const traces = await tracesOf(cluster);
    hold.release();
    const report = assertRunEnded(await job.finished, 5, 'partial');
    assertSteps(report, {
      backup: 'done',
      compact: ['refused', /now belongs to another run \(the other\); this one stops here/],
      defragment: ['skipped', /not reached: the run ended at compact/],
    });
    assert.deepEqual(callsOf(proxied), ['Maintenance/Snapshot']);
    // The other run's lock is to stay, which the general check would call a left-over.
    const now = await tracesOf(cluster);
    assert.deepEqual(hashesOf(now), hashesOf(traces), 'no history and no key is gone');
    assert.match(await cluster.etcdctl('get', LOCK_KEY), /the other/);
  });

  test('a single member whose defragmentation outlasts the lease of the lock is finished all the same', async () => {
    await using proxied = await startFilled();
    const { cluster } = proxied;
    const member = cluster.member(0);
    let stream: Disposable | undefined;
    proxied.before('Maintenance/Defragment', async () => {
      stream = await stallSnapshot(member); // a real defragmentation now lasts until the stream ends
    });
    await using job = await startJob(proxied.env({ LOCK_TTL: '2s' }));
    await job.waitForLine(withMessage('member defragmenting'));
    await sleep(7_000);
    stream?.[Symbol.dispose]();
    const report = assertRunEnded(await job.finished, 0, 'ok');
    const { defragmented, unavailableSeconds = 0 } = memberOf(report, 'm0');
    assert.ok(defragmented);
    assert.ok(unavailableSeconds >= 6 && unavailableSeconds < 10, `it says ${unavailableSeconds} s`);
    await assertUnlocked(cluster);
  });

  test('the lock is released after a backup that failed and after a refused step', async () => {
    await using proxied = await startFilled();
    const { cluster } = proxied;
    proxied.before('Maintenance/Snapshot', () => ({ code: 14, message: 'a fault' }));
    const failed = assertRunEnded(await runJob(proxied.env()), 4, 'failed');
    assertSteps(failed, { backup: ['failed', /a fault/] });
    await assertUnlocked(cluster);
    assert.deepEqual(await filesBelow(proxied.store), []);

    proxied.before('Maintenance/Snapshot', () => {});
    proxied.before('KV/Compact', () => ({ code: 13, message: 'another fault' }));
    const refused = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(refused, { compact: ['failed', /another fault/] });
    await assertUnlocked(cluster);
  });
});

describe('the lock of three members', { concurrency: 2 }, () => {
  test('the leader carries its lease while it is defragmented itself, and renewals go through the others', async () => {
    await using proxied = await startFilled({ size: 3 });
    const { cluster } = proxied;
    const leader = await cluster.leader();
    let stream: Disposable | undefined;
    proxied.before('Maintenance/Defragment', async (name) => {
      if (name === leader.name) stream = await stallSnapshot(leader);
    });
    await using job = await startJob(proxied.env({ LOCK_TTL: '4s', DEFRAG_MOVE_LEADER: 'false' }));
    await job.waitForLine((line) => line.msg === 'member defragmenting' && line.member === leader.name);
    const [follower] = cluster.members.filter((member) => member !== leader);
    const keyAt = () => follower?.etcdctl('get', LOCK_KEY, '-w', 'fields');
    const before = await keyAt();
    assert.match(before ?? '', /"Lease" : \d+/);
    await sleep(8_000); // twice the lease
    assert.equal(fieldsOf(await keyAt()), fieldsOf(before), 'the same key on the same lease');
    stream?.[Symbol.dispose]();
    const result = await job.finished;
    const report = assertRunEnded(result, 0, 'ok');
    assert.ok((memberOf(report, leader.name).unavailableSeconds ?? 0) >= 7);
    assert.equal(result.lines.find(withMessage('lock was gone and free, taking it again')), undefined);
    assert.equal(await cluster.leader(), leader, 'a defragmentation is no reason for an election');
    await assertUnlocked(cluster);
  });

  test("an election while a dead run's lock is watched is not taken for a sign of life", async () => {
    await using proxied = await startFilled({ size: 3 });
    const { cluster } = proxied;
    const lease = await grant(proxied, 6);
    await cluster.etcdctl('put', LOCK_KEY, 'the dead one', `--lease=${lease}`);
    await using job = await startJob(proxied.env({ LOCK_TTL: '6s' }));
    await job.waitForLine(withMessage('lock is held, waiting for it to expire or be renewed'));
    await sleep(2_500); // so that the new leader's full lease is more than was left of it
    const [heir] = await cluster.followers();
    assert.ok(heir);
    await cluster.moveLeaderTo(heir);
    const report = assertRunEnded(await job.finished, 0, 'ok');
    assert.ok(report.steps.lock.durationMs > 7_000, 'the lease began anew and was waited for');
    await assertUnlocked(cluster);
  });
});

/** Of what a run did to the cluster, in order. */
const callsOf = ({ proxies }: ProxiedCluster): string[] =>
  proxies.flatMap(({ calls }) => calls.filter((call) => WORK.includes(call)));

/** When the run last did something to the cluster; the lock is released after it and before the report. */
const lastWorkOf = (lines: Job['lines']): unknown =>
  lines.findLast(({ step: name }) => name !== undefined)?.time;

/** A lease's ID, hexadecimal. */
async function grant({ cluster }: ProxiedCluster, seconds: number): Promise<string> {
  const answer = await cluster.etcdctl('lease', 'grant', String(seconds));
  return /lease ([0-9a-f]+) granted/.exec(answer)?.[1] ?? '';
}

/** A key's value and lease, without the header that changes with every answer. */
const fieldsOf = (text = ''): string =>
  text
    .split('\n')
    .filter((line) => /^"(CreateRevision|Value|Lease)"/.test(line))
    .join('\n');

const hashesOf = ({ members }: Traces) => [...members.values()].map(({ hash }) => hash);
