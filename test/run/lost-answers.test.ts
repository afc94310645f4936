import assert from 'node:assert/strict';
import { after as afterAll, before as beforeAll, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LostAnswer } from '../support/call-proxy.ts';
import type { Member } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { membersIn, withMessage } from '../support/log-lines.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { memberOf } from '../support/run-report.ts';
import { stallSnapshot } from '../support/stalled-snapshot.ts';
import { within } from '../support/within.ts';

/** Nine tenths of it history that a compaction frees; more than HTTP/2 sends ahead. */
const HISTORY = { keys: 20, valueBytes: 16_384, overwrites: 15 };

const SIZE = 3;
/** Reads, and the writes of the lock, which come to the same when they are made twice. */
const ASKED_TWICE = [
  'Maintenance/Status',
  'Cluster/MemberList',
  'KV/Range',
  'Lease/LeaseGrant',
  'KV/Txn',
  'KV/Put',
  'Maintenance/HashKV',
];
const WAYS: readonly LostAnswer[] = ['cut', 'cancel', 'goaway'];
/** What people are told of it. */
const HOW_TOLD = { cut: /dropped|broke/, cancel: /cancelled/, goaway: /told the connection to go away/ };

describe('an answer that is lost', () => {
  let proxied: ProxiedCluster;
  beforeAll(async () => {
    proxied = await startProxiedCluster({ size: SIZE });
  });
  afterAll(() => proxied[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const proxy of proxied.proxies) proxy.reset();
    await proxied.cluster.waitHealthy();
    await fill(proxied.cluster, HISTORY);
  });

  const memberNamed = (name: string): Member => {
    const found = proxied.cluster.members.find((member) => member.name === name);
    assert.ok(found);
    return found;
  };

  for (const way of WAYS) {
    test(`of a defragmentation (${way}): what is told is what was seen, a smaller file, and the others follow`, async () => {
      let first: string | undefined;
      proxied.before('Maintenance/Defragment', (name) => {
        first ??= name;
        return name === first ? way : undefined;
      });
      const result = await runJob(proxied.env());
      const report = assertRunEnded(result, 0, 'ok');
      assertSteps(report, { defragment: ['done', /3 of 3 members defragmented/] });
      const { defragmented, reason, before, after } = memberOf(report, String(first));
      assert.ok(defragmented);
      assert.match(reason, /the answer was lost \(.+\), but its file went from [\d.]+ MiB to [\d.]+ MiB/);
      assert.ok((after?.dbSize ?? Number.NaN) < (before?.dbSize ?? 0) / 2);
      await assertUnlocked(proxied.cluster);
    });

    test(`of a defragmentation that goes on (${way}): nobody else is touched before the member answers`, async () => {
      const begun = Promise.withResolvers<Member>();
      let stream: Disposable | undefined;
      proxied.before('Maintenance/Defragment', async (name) => {
        if (stream !== undefined) return undefined;
        stream = await stallSnapshot(memberNamed(name));
        begun.resolve(memberNamed(name));
        return way;
      });
      await using job = await startJob(proxied.env({ DEFRAG_TIMEOUT: '3s', ETCDCTL_COMMAND_TIMEOUT: '1s' }));
      const member = await within(begun.promise, 'a defragmentation');
      // Longer than DEFRAG_TIMEOUT, which was all that a lost answer was waited for.
      await sleep(5_000);
      assert.deepEqual(membersIn(job.lines, 'member defragmenting'), [member.name]);
      assert.ok(job.lines.some(withMessage('member does not answer yet, waiting for it')));
      stream?.[Symbol.dispose]();
      const report = assertRunEnded(await job.finished, 5, 'partial');
      assertSteps(report, { defragment: ['failed', /it was defragmented, but took [\d.]+ s, longer than/] });
      assert.ok(memberOf(report, member.name).defragmented);
      assert.deepEqual(membersIn(job.lines, 'member defragmenting'), [member.name]);
      await assertUnlocked(proxied.cluster);
    });

    test(`of a compaction (${way}): it is asked for again, and done`, async () => {
      let lost = 0;
      proxied.before('KV/Compact', () => {
        lost += 1;
        return lost === 1 ? way : undefined;
      });
      const result = await runJob(proxied.env({ DEFRAG_ENABLED: 'false' }));
      const report = assertRunEnded(result, 0, 'ok');
      assertSteps(report, { compact: ['done', /compacted to \d+/] });
      const told = result.lines.find(withMessage('answer of a compaction lost, asking again'));
      assert.match(String(told?.reason), HOW_TOLD[way]);
      await assertUnlocked(proxied.cluster);
    });
  }

  for (const way of WAYS) {
    test(`of what may be asked twice (${way}): it is asked twice, and the run is one like any other`, async () => {
      const lost = new Map<string, number>();
      for (const method of ASKED_TWICE) {
        proxied.before(method, () => {
          const calls = (lost.get(method) ?? 0) + 1;
          lost.set(method, calls);
          // Another one than that by which the members are found.
          return calls === (method === 'Maintenance/Status' ? SIZE + 1 : 1) ? way : undefined;
        });
      }
      const result = await runJob(proxied.env());
      const report = assertRunEnded(result, 0, 'ok');
      assertSteps(report, { lock: 'done', compact: 'done', defragment: ['done', /3 of 3/] });
      assert.deepEqual(report.warnings, []);
      // A second lease, on which nothing hangs, may be left until it ends.
      assert.equal(await proxied.cluster.etcdctl('get', 'etcd-upkeep/lock'), '');
    });
  }

  test('of a defragmentation that did not happen: it is not known, and nobody says that etcd did not do it', async () => {
    proxied.before('Maintenance/Defragment', () => ({ code: 1, message: 'context canceled' }));
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      defragment: [
        'failed',
        /whether it was defragmented is not known: the answer was lost \(context canceled\), and its file is no smaller than before/,
      ],
    });
    assert.ok(report.members.every(({ defragmented }) => !defragmented));
    assert.equal(proxied.proxies.flatMap(({ calls }) => calls.filter(isDefragment)).length, 1);
  });

  test('of a compaction, again and again: nobody says that it was not done', async () => {
    proxied.before('KV/Compact', () => 'cancel');
    const result = await runJob(proxied.env());
    const report = assertRunEnded(result, 5, 'partial');
    assertSteps(report, {
      compact: ['failed', /was not seen to end its compaction to \d+: .*may be compacted all the same/],
      defragment: 'skipped',
    });
  });

  test('of a move of the leadership: who leads is looked at', async () => {
    const leader = await proxied.cluster.leader();
    proxied.before('Maintenance/MoveLeader', async (_name, request) => {
      // The move is done before its answer is lost.
      const heir = proxied.cluster.members.find(({ id }) => id === targetOf(request));
      assert.ok(heir);
      await proxied.cluster.moveLeaderTo(heir);
      return { code: 1, message: 'context canceled' };
    });
    const result = await runJob(proxied.env());
    const report = assertRunEnded(result, 0, 'ok');
    assertSteps(report, { defragment: ['done', /3 of 3/] });
    assert.equal(membersIn(result.lines, 'member defragmenting')[2], leader.name);
  });

  test('of the write before a defragmentation, again and again: it is told at which member, and why', async () => {
    proxied.before('KV/Put', () => 'cancel');
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    const told =
      /^m\d \([0-9a-f]+\): whether somebody streams a snapshot from it is not known, .*: Call cancelled; no further/;
    assertSteps(report, { compact: 'done', defragment: ['failed', told] });
  });

  test('of a hash is not one that took its whole time: the member is not burdened with a second one', async () => {
    proxied.before('Maintenance/HashKV', () => ({ code: 4, message: 'context deadline exceeded' }));
    const report = assertRunEnded(await runJob(proxied.env()), 0, 'ok');
    assert.match(report.warnings.join('; '), /hashes could not be compared: .* gave no hash at revision/);
    const asked = proxied.proxies.flatMap(({ calls }) => calls.filter((it) => it === 'Maintenance/HashKV'));
    assert.equal(asked.length, 1);
  });

  test('is something else than a refusal, which is told as one', async () => {
    proxied.before('Maintenance/Defragment', () => ({ code: 7, message: 'etcdserver: permission denied' }));
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      defragment: ['failed', /etcd did not defragment it: etcdserver: permission denied/],
    });
  });
});

test('a lost answer of a disarming is looked up in the alarm list', async () => {
  await using proxied = await startProxiedCluster({ quotaBytes: 16 * 2 ** 20 });
  const { cluster } = proxied;
  const filling = async (): Promise<void> => {
    for (;;) await fill(cluster, { keys: 4, valueBytes: 65_536, overwrites: 200 });
  };
  await assert.rejects(filling(), /database space exceeded/);
  proxied.before('Maintenance/Alarm', (_name, request) => (isDisarm(request) ? 'cancel' : undefined));
  const report = assertRunEnded(await runJob(proxied.env()), 0, 'ok');
  assertSteps(report, { disarm: ['done', /NOSPACE disarmed, and a write works/] });
  assert.equal(await cluster.etcdctl('alarm', 'list'), '');
});

const isDefragment = (method: string): boolean => method === 'Maintenance/Defragment';

/** The first field of an Alarm request is its action: 2 deactivates; a request that only reads leaves it out. */
const isDisarm = (request: Buffer): boolean => request[5] === 0x08 && request[6] === 2;

/** The one field of a MoveLeader request, a varint, in hexadecimal. */
function targetOf(request: Buffer): string {
  const varint = request.subarray(6);
  return [...varint].reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n).toString(16);
}
