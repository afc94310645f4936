import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Report } from '../../src/run/report.ts';
import type { Cluster, ClusterOptions, Member } from '../support/etcd-cluster.ts';
import { askGateway } from '../support/etcd-gateway.ts';
import { fill } from '../support/fill.ts';
import { membersIn, withMessage } from '../support/log-lines.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { MIB } from '../support/units.ts';

/** Nine tenths of it history that a compaction frees. */
const HISTORY = { keys: 20, valueBytes: 16_384, overwrites: 15 };

interface Change {
  /** while this call is held at a member, before it gets there, ... */
  at: 'Maintenance/Snapshot' | 'Maintenance/Defragment';
  /** ... this is done to the cluster, once */
  change: (proxied: ProxiedCluster, calledName: string) => Promise<unknown>;
  options?: ClusterOptions;
  env?: Record<string, string>;
}

/** Runs once on three members while somebody changes the cluster. */
async function runWhile({ at, change, options, env }: Change) {
  const proxied = await startProxiedCluster({ size: 3, ...options });
  await fill(proxied.cluster, HISTORY);
  let changed: Promise<unknown> | undefined;
  proxied.before(at, async (name) => {
    changed ??= change(proxied, name);
    await changed;
  });
  const result = await runJob(proxied.env(env), { timeoutMs: 240_000 });
  const report = assertRunEnded(result, 5, 'partial');
  await changed;
  return { proxied, report, lines: result.lines, touched: membersIn(result.lines, 'member defragmenting') };
}

const another = ({ cluster }: ProxiedCluster, name: string, leaderName?: string): Member => {
  const found = cluster.members.find((member) => member.name !== name && member.name !== leaderName);
  assert.ok(found);
  return found;
};

/** As etcd's own check of the members' data does it. */
const raiseCorrupt = (cluster: Cluster): Promise<unknown> => {
  const { id, clientUrl } = cluster.member(0);
  const body = { action: 'ACTIVATE', memberID: BigInt(`0x${id}`).toString(), alarm: 'CORRUPT' };
  return askGateway(clientUrl, cluster.access, 'maintenance/alarm', { body });
};

const sizes = (report: Report) => report.members.map(({ name, defragmented }) => [name, defragmented]);

describe('what changes while a run goes on ends it before its next change', { concurrency: 2 }, () => {
  test('a voting member that is added between two defragmentations', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      change: ({ cluster }) => cluster.addMember(),
    });
    await using _proxied = proxied;
    assertSteps(report, {
      compact: 'done',
      defragment: [
        'refused',
        /since this run looked first m3 \([0-9a-f]+\) was added: .*; no further member was touched$/,
      ],
    });
    assert.equal(touched.length, 1, JSON.stringify(sizes(report)));
    await assertUnlocked(proxied.cluster);
  });

  test('a member that is added and never started, and so makes the quorum tighter', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      change: ({ cluster }) => cluster.addMember({ start: false }),
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /[0-9a-f]+ was added: /] });
    assert.equal(touched.length, 1);
  });

  test('a learner that is added', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      change: ({ cluster }) => cluster.addMember({ learner: true }),
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /was added as a learner/] });
    assert.equal(touched.length, 1);
  });

  test('a member that is added during the backup: nothing is compacted either', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Snapshot',
      change: ({ cluster }) => cluster.addMember(),
    });
    await using _proxied = proxied;
    assertSteps(report, {
      backup: 'done',
      compact: ['refused', /since this run looked first m3 \([0-9a-f]+\) was added/],
      defragment: 'skipped',
    });
    assert.equal(touched.length, 0);
    assert.ok(proxied.proxies.every(({ calls }) => !calls.includes('KV/Compact')));
  });

  test('a member that is removed', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      change: async (place, name) => {
        const leader = await place.cluster.leader();
        return place.cluster.etcdctl('member', 'remove', another(place, name, leader.name).id);
      },
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /m\d \([0-9a-f]+\) was removed/] });
    assert.equal(touched.length, 1);
  });

  test('a CORRUPT alarm, at once: nobody but a person disarms it', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      change: (place) => raiseCorrupt(place.cluster),
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /the cluster is not well.*CORRUPT alarm at m0/] });
    assert.equal(touched.length, 1);
  });

  test('a member that is gone, after a wait that is told', async () => {
    const { proxied, report, touched, lines } = await runWhile({
      at: 'Maintenance/Defragment',
      env: { DEFRAG_TIMEOUT: '3s' },
      change: async (place, name) => {
        const leader = await place.cluster.leader();
        return another(place, name, leader.name).kill();
      },
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /the cluster is not well.*member m\d .*does not answer/] });
    assert.equal(touched.length, 1);
    assert.equal(lines.filter(withMessage('cluster is not well yet, waiting for it')).length, 1);
  });

  test('a member that comes back with another minor version', async () => {
    let upgraded: Member | undefined;
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      options: { version: '3.5' },
      change: async (place, name) => {
        const leader = await place.cluster.leader();
        upgraded = another(place, name, leader.name);
        await place.cluster.restart(upgraded, '3.6');
      },
    });
    await using _proxied = proxied;
    assertSteps(report, {
      defragment: ['refused', /m\d \([0-9a-f]+\) came back with etcd 3\.6\.\d+ instead of 3\.5\.\d+/],
    });
    assert.equal(touched.length, 1);
    assert.notEqual(touched[0], upgraded?.name);
  });

  test('a downgrade that is enabled', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      change: ({ cluster }) => cluster.etcdctl('downgrade', 'enable', '3.5'),
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /downgrade to 3\.5\S* that is enabled/] });
    assert.equal(touched.length, 1);
  });
});

test('a learner that is promoted counts from then on: the run ends before its next change', async () => {
  await using proxied = await startProxiedCluster({ size: 3 });
  const { cluster } = proxied;
  await fill(cluster, HISTORY);
  const learner = await cluster.addMember({ learner: true });
  let promoted: Promise<unknown> | undefined;
  proxied.before('Maintenance/Defragment', async () => {
    promoted ??= cluster.etcdctl('member', 'promote', learner.id);
    await promoted;
  });
  const result = await runJob(proxied.env());
  const report = assertRunEnded(result, 5, 'partial');
  assertSteps(report, { defragment: ['refused', /m3 \([0-9a-f]+\) became a voting member/] });
  assert.equal(membersIn(result.lines, 'member defragmenting').length, 1);
});

test('a downgrade that is enabled already: backed up and compacted, not defragmented', async () => {
  await using proxied = await startProxiedCluster({ version: '3.6' });
  await fill(proxied.cluster, HISTORY);
  await proxied.cluster.etcdctl('downgrade', 'enable', '3.5');
  const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
  assertSteps(report, {
    backup: 'done',
    compact: 'done',
    defragment: ['refused', /m0 .* tells of a downgrade to 3\.5\S* that is enabled: finish it, or end it/],
  });
  assert.ok(!proxied.proxies[0]?.calls.includes('Maintenance/Defragment'));
});

/** 3.5 applies it at once and never answers. */
const enableDowngradeOf35 = ({ cluster }: ProxiedCluster): Promise<string> =>
  cluster.etcdctl('downgrade', 'enable', '3.4').catch(String);

describe('a downgrade of 3.5, whose members do not tell of it', () => {
  test('that is enabled already: backed up and compacted, not defragmented', async () => {
    const auth = { user: 'root', password: 'geheim' };
    await using proxied = await startProxiedCluster({ version: '3.5', auth });
    await fill(proxied.cluster, HISTORY);
    await enableDowngradeOf35(proxied);
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      backup: 'done',
      compact: 'done',
      defragment: ['refused', /^a downgrade is enabled: finish it, or end it/],
    });
    assert.ok(!proxied.proxies[0]?.calls.includes('Maintenance/Defragment'));
  });

  test('that is enabled meanwhile', async () => {
    const { proxied, report, touched } = await runWhile({
      at: 'Maintenance/Defragment',
      options: { version: '3.5' },
      change: enableDowngradeOf35,
    });
    await using _proxied = proxied;
    assertSteps(report, { defragment: ['refused', /a downgrade is enabled/] });
    assert.equal(touched.length, 1);
  });

  test('that nobody can be asked about', async () => {
    await using proxied = await startProxiedCluster({ version: '3.5' });
    await fill(proxied.cluster, HISTORY);
    proxied.before('Maintenance/Downgrade', () => ({ code: 12, message: 'not made up here' }));
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, {
      compact: 'done',
      defragment: ['refused', /^whether a downgrade is enabled could not be read \(m0 .*not made up here\)/],
    });
  });
});

test('a member list that cannot be read any more is no list without changes', async () => {
  await using proxied = await startProxiedCluster({ size: 3 });
  await fill(proxied.cluster, HISTORY);
  proxied.before('KV/Compact', () => {
    proxied.before('Cluster/MemberList', () => ({ code: 2, message: 'nobody knows' }));
  });
  const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
  assertSteps(report, {
    compact: ['refused', /the member list could not be read \(nobody knows\), so nobody knows whether/],
  });
  assert.ok(proxied.proxies.every(({ calls }) => !calls.includes('Maintenance/Defragment')));
});

test('a member that is added after the last defragmentation: NOSPACE is not disarmed by the old list', async () => {
  await using proxied = await startProxiedCluster({ quotaBytes: 16 * MIB });
  const { cluster } = proxied;
  const filling = async (): Promise<void> => {
    for (;;) await fill(cluster, { keys: 4, valueBytes: 65_536, overwrites: 200 });
  };
  await assert.rejects(filling(), /database space exceeded/);
  let reads = 0;
  proxied.before('Maintenance/Alarm', async () => {
    // The last of the reads before the disarming: the run has judged that it is to be done.
    reads += 1;
    const defragmented = proxied.proxies[0]?.calls.includes('Maintenance/Defragment') ?? false;
    if (defragmented && cluster.members.length === 1) await cluster.addMember({ learner: true });
  });
  const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
  assert.ok(reads > 0);
  assert.match(
    `${report.steps.defragment.reason} ${report.steps.disarm.reason}`,
    /m1 \([0-9a-f]+\) was added as a learner/,
  );
  assert.match(await cluster.etcdctl('alarm', 'list'), /alarm:NOSPACE/);
});
