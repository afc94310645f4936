import assert from 'node:assert/strict';
import { after as afterAll, before as beforeAll, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { stallSnapshot } from '../support/stalled-snapshot.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { memberOf } from '../support/run-report.ts';
import { membersIn, withMessage } from '../support/log-lines.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { within } from '../support/within.ts';

/** Nine tenths of it history that a compaction frees; more than HTTP/2 sends ahead. */
const HISTORY = { keys: 20, valueBytes: 16_384, overwrites: 15 };

/** The members by their role at this moment. */
async function rolesIn({ cluster }: ProxiedCluster): Promise<{ leader: Member; followers: Member[] }> {
  return { leader: await cluster.leader(), followers: await cluster.followers() };
}

describe('three members', () => {
  let proxied: ProxiedCluster;
  beforeAll(async () => {
    proxied = await startProxiedCluster({ size: 3 });
  });
  afterAll(() => proxied[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const proxy of proxied.proxies) proxy.reset();
    for (const member of proxied.cluster.members) if (!member.running) await member.start();
    await proxied.cluster.waitHealthy();
    await fill(proxied.cluster, HISTORY);
  });

  test('followers come first and the leader last, with its leadership given to one that was visited, DEFRAG_WAIT between them', async () => {
    const { cluster } = proxied;
    const { leader, followers } = await rolesIn(proxied);
    const result = await runJob(proxied.env({ DEFRAG_WAIT: '1500ms' }));
    const report = assertRunEnded(result, 0, 'ok');
    assertSteps(report, { defragment: ['done', /3 of 3 members defragmented/] });
    const order = membersIn(result.lines, 'member defragmenting');
    assert.equal(order.length, 3);
    assert.equal(order[2], leader.name);
    assert.deepEqual(new Set(order.slice(0, 2)), new Set(followers.map(({ name }) => name)));
    const heir = await cluster.leader();
    assert.ok(followers.includes(heir), 'the leadership went to a follower');
    const moved = result.lines.find(withMessage('leadership moved'));
    assert.deepEqual([moved?.from, moved?.to], [leader.name, heir.name]);
    for (const { name, before, after } of report.members) {
      assert.ok((after?.dbSize ?? Number.NaN) < (before?.dbSize ?? 0) / 2, `${name} is smaller`);
    }
    const at = (msg: string) =>
      result.lines.filter(withMessage(msg)).map(({ time }) => Date.parse(String(time)));
    const ends = at('member defragmented');
    const begins = at('member defragmenting');
    assert.ok((begins[1] ?? 0) - (ends[0] ?? 0) >= 1500, 'DEFRAG_WAIT was waited');
    assert.ok((begins[2] ?? 0) - (ends[1] ?? 0) >= 1500, 'DEFRAG_WAIT was waited again');
    for (const { unavailableSeconds } of report.members) assert.ok(unavailableSeconds !== undefined);
    await assertUnlocked(cluster);
  });

  test('a leader that changes between two members is still the last one', async () => {
    const { cluster } = proxied;
    const { leader } = await rolesIn(proxied);
    let newLeader: Member | undefined;
    proxied.before('Maintenance/Defragment', async (name) => {
      if (newLeader !== undefined) return;
      newLeader = (await cluster.followers()).find((member) => member.name !== name);
      assert.ok(newLeader);
      await cluster.moveLeaderTo(newLeader);
    });
    const result = await runJob(proxied.env());
    const report = assertRunEnded(result, 0, 'ok');
    const order = membersIn(result.lines, 'member defragmenting');
    assert.deepEqual(order.slice(1), [leader.name, newLeader?.name]);
    assert.ok(report.members.every((member) => member.defragmented));
    assert.notEqual((await cluster.leader()).name, newLeader?.name);
  });

  test('a leadership that does not move leaves the leader alone, exit 5', async () => {
    const { cluster } = proxied;
    const { leader, followers } = await rolesIn(proxied);
    let heir: Member | undefined;
    proxied.before('Maintenance/MoveLeader', async (_name, request) => {
      // The member that is to lead stops answering at this very moment: etcd itself then gives the transfer up.
      const target = targetOf(request);
      heir = followers.find(({ id }) => id === target);
      await heir?.pause();
    });
    const result = await runJob(proxied.env({ ETCDCTL_COMMAND_TIMEOUT: '8s' }));
    heir?.resume();
    const report = assertRunEnded(result, 5, 'partial');
    assert.ok(heir);
    assertSteps(report, {
      defragment: ['refused', /the leadership did not move to m\d .*so the leader was left alone/],
    });
    assert.equal(memberOf(report, leader.name).defragmented, false);
    for (const { name } of followers) assert.ok(memberOf(report, name).defragmented);
    assert.ok(!proxied.proxy(leader.id).calls.includes('Maintenance/Defragment'));
    // What etcd gave up may still come true when that member wakes up: who leads now is nobody's promise.
    await assertUnlocked(cluster);
  });

  test('with DEFRAG_MOVE_LEADER=false the leader is defragmented where it is, last', async () => {
    const { cluster } = proxied;
    const { leader } = await rolesIn(proxied);
    const result = await runJob(proxied.env({ DEFRAG_MOVE_LEADER: 'false' }));
    assertRunEnded(result, 0, 'ok');
    assert.equal(membersIn(result.lines, 'member defragmenting')[2], leader.name);
    assert.equal(await cluster.leader(), leader);
    assert.ok(proxied.proxies.every(({ calls }) => !calls.includes('Maintenance/MoveLeader')));
  });

  test('a defragmentation slower than DEFRAG_TIMEOUT is waited for, and no other member is touched', async () => {
    const { cluster } = proxied;
    const slow = slowDefragmentation(proxied);
    await using job = await startJob(proxied.env({ DEFRAG_TIMEOUT: '3s', ETCDCTL_COMMAND_TIMEOUT: '2s' }));
    const member = await slow.begun;
    await sleep(5_000);
    assert.deepEqual(membersIn(job.lines, 'member defragmenting'), [member.name]);
    slow.release();
    const result = await job.finished;
    const report = assertRunEnded(result, 5, 'partial');
    assertSteps(report, {
      defragment: [
        'failed',
        /it was defragmented, but took .* s, longer than DEFRAG_TIMEOUT \(3 s\).*no further member was touched/,
      ],
    });
    assert.deepEqual(membersIn(result.lines, 'member defragmenting'), [member.name]);
    const { defragmented, unavailableSeconds = 0, before, after } = memberOf(report, member.name);
    assert.ok(defragmented);
    assert.ok(unavailableSeconds >= 5 && unavailableSeconds < 9, `it says ${unavailableSeconds} s`);
    assert.ok((after?.dbSize ?? 0) < (before?.dbSize ?? 0));
    for (const other of report.members) if (other.name !== member.name) assert.ok(!other.defragmented);
    await assertUnlocked(cluster);
  });

  test('a member that dies during its defragmentation and stays away ends the run there', async () => {
    const { cluster } = proxied;
    let victim: Member | undefined;
    proxied.before('Maintenance/Defragment', async (name) => {
      victim = cluster.members.find((member) => member.name === name);
      await victim?.kill();
    });
    const result = await runJob(proxied.env({ DEFRAG_TIMEOUT: '3s' }));
    const report = assertRunEnded(result, 5, 'partial');
    assert.ok(victim);
    assertSteps(report, {
      defragment: ['failed', /it has not answered since its defragmentation began .*look at its log/],
    });
    assert.deepEqual(membersIn(result.lines, 'member defragmenting'), [victim.name]);
    const { defragmented, unavailableSeconds = 0, after } = memberOf(report, victim.name);
    assert.equal(defragmented, false);
    assert.ok(unavailableSeconds >= 3);
    assert.equal(after, undefined, 'nothing is claimed of a member that was not seen again');
    await assertUnlocked(cluster);
  });

  test('a member that dies during its defragmentation and comes back was not defragmented', async () => {
    const { cluster } = proxied;
    let victim: Member | undefined;
    proxied.before('Maintenance/Defragment', async (name) => {
      victim = cluster.members.find((member) => member.name === name);
      await victim?.kill();
      void victim?.start();
    });
    const result = await runJob(proxied.env());
    const report = assertRunEnded(result, 5, 'partial');
    assert.ok(victim);
    assertSteps(report, {
      defragment: [
        'failed',
        /whether it was defragmented is not known: the answer was lost .*its file is no smaller.*no further member was touched/,
      ],
    });
    assert.deepEqual(membersIn(result.lines, 'member defragmenting'), [victim.name]);
    assert.equal(memberOf(report, victim.name).defragmented, false);
    await cluster.waitHealthy();
    await assertUnlocked(cluster);
  });

  test('a member that falls ill before its turn ends the run: no other one is touched', async () => {
    const { cluster } = proxied;
    let victim: Member | undefined;
    proxied.before('Maintenance/Defragment', async (name) => {
      victim ??= (await cluster.followers()).find((member) => member.name !== name);
      await victim?.kill();
    });
    const result = await runJob(proxied.env({ DEFRAG_TIMEOUT: '3s' }));
    const report = assertRunEnded(result, 5, 'partial');
    assert.ok(victim);
    assertSteps(report, {
      defragment: [
        'refused',
        /the cluster is not well, so this is left alone: member m\d .*; no further member was touched/,
      ],
    });
    const touched = membersIn(result.lines, 'member defragmenting');
    assert.equal(touched.length, 1);
    assert.notEqual(touched[0], victim.name);
    assert.ok(memberOf(report, String(touched[0])).defragmented, 'what was done is not denied');
    await assertUnlocked(cluster);
  });
});

/** Holds the first defragmentation open with a snapshot stream, as a slow disk would, until it is released. */
function slowDefragmentation({ cluster, before }: ProxiedCluster): {
  begun: Promise<Member>;
  release: () => void;
} {
  const begun = Promise.withResolvers<Member>();
  let stream: Disposable | undefined;
  before('Maintenance/Defragment', async (name) => {
    if (stream !== undefined) return;
    const member = cluster.members.find((it) => it.name === name);
    assert.ok(member);
    stream = await stallSnapshot(member);
    begun.resolve(member);
  });
  return { begun: within(begun.promise, 'a defragmentation'), release: () => stream?.[Symbol.dispose]() };
}

/** The one field of a MoveLeader request, a varint, in hexadecimal. */
function targetOf(request: Buffer): string {
  const varint = request.subarray(6);
  return [...varint].reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n).toString(16);
}
