import assert from 'node:assert/strict';
import { after as afterAll, afterEach, before as beforeAll, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askGateway } from '../support/etcd-gateway.ts';
import { fill, fillRevisions } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { onlyBackup } from '../support/stored-backup.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { hasHistoryAt } from '../support/read-keys.ts';
import { membersIn, withMessage } from '../support/log-lines.ts';
import { MIB } from '../support/units.ts';
import { type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';

const KUBE_KEY = 'compact_rev_key';

describe('one member', () => {
  let proxied: ProxiedCluster;
  beforeAll(async () => {
    proxied = await startProxiedCluster();
  });
  afterAll(() => proxied[Symbol.asyncDispose]());
  afterEach(() => proxied.proxies.forEach((proxy) => proxy.reset()));

  const revisionNow = async () => (await proxied.cluster.member(0).status()).revision;
  const put = (key: string, value: string) => proxied.cluster.etcdctl('put', key, value);
  const run = (extra: Record<string, string> = {}) =>
    runJob(proxied.env({ DEFRAG_ENABLED: 'false', ...extra }));

  /** Its value and revisions, without the header that changes with every answer. */
  const keyAsItIs = async () => {
    const fields = await proxied.cluster.etcdctl('get', KUBE_KEY, '-w', 'fields');
    return fields.replace(/^"(Revision|RaftTerm|MemberID|ClusterID)".*$/gm, '');
  };

  test('a history within the window has nothing to compact', async () => {
    const empty = assertRunEnded(await run({ COMPACTION_RETENTION: '10000' }), 0, 'nothing-needed');
    assertSteps(empty, {
      compact: ['skipped', /nothing to do: revision \d+ is within the 10000 revisions to keep/],
    });
    const vast = assertRunEnded(await run({ COMPACTION_RETENTION: '9007199254740991' }), 0, 'nothing-needed');
    assertSteps(vast, { compact: ['skipped', /nothing to do/] });
    assert.equal(proxied.proxies[0]?.calls.includes('KV/Compact'), false);
    assert.ok(await hasHistoryAt(proxied.cluster, 1));
  });

  test('what is older than the window goes, and what is in it stays', async () => {
    await fillRevisions(proxied.cluster, 100);
    const report = assertRunEnded(await run({ COMPACTION_RETENTION: '30' }), 0, 'ok');
    assertSteps(report, { compact: ['done', /compacted to \d+, keeping 30 revisions/] });
    const { from, to = 0, target, window, windowFrom } = report.compaction ?? {};
    assert.deepEqual([from, to, window, windowFrom], [0, target, 30, 'COMPACTION_RETENTION']);
    assert.ok(await hasHistoryAt(proxied.cluster, to));
    assert.ok(!(await hasHistoryAt(proxied.cluster, to - 1)));
    assert.ok((report.backup?.revision ?? 0) - to >= 30);
    await assertUnlocked(proxied.cluster);
  });

  test('a window of one revision, and of none, compacts no further than to what the backup holds', async () => {
    for (const retention of [1, 0]) {
      await fillRevisions(proxied.cluster, 10);
      const report = assertRunEnded(await run({ COMPACTION_RETENTION: String(retention) }), 0, 'ok');
      const { to = 0 } = report.compaction ?? {};
      assert.ok(to <= (report.backup?.revision ?? 0) - retention);
      assert.ok(to >= (report.backup?.revision ?? 0) - retention - 2, 'the lock itself takes a revision');
    }
  });

  test('writes that go on during the backup are not compacted away: no backup holds them', async () => {
    const newest = Promise.withResolvers<number>();
    proxied.before('Maintenance/Snapshot', async () => {
      await fillRevisions(proxied.cluster, 50);
      newest.resolve(await revisionNow());
    });
    await using store = await scratchFolder('store');
    const own = { COMPACTION_RETENTION: '0', BACKUP_STORE: `file://${store.path}` };
    const report = assertRunEnded(await run(own), 0, 'ok');
    const { manifest } = await onlyBackup(store.path);
    assert.ok(manifest.revision < (await newest.promise) - 45);
    assert.ok((report.compaction?.to ?? 0) <= manifest.revision);
    assert.ok(await hasHistoryAt(proxied.cluster, manifest.revision + 1));
  });

  test('a history that was compacted further already is nothing new', async () => {
    await fillRevisions(proxied.cluster, 50);
    const compacted = await revisionNow();
    await proxied.cluster.etcdctl('compaction', String(compacted));
    const report = assertRunEnded(await run({ COMPACTION_RETENTION: '20' }), 0, 'nothing-needed');
    assertSteps(report, {
      compact: ['skipped', /nothing new: revision \d+ was already compacted .*begins at \d+/],
    });
    assert.deepEqual([report.compaction?.from, report.compaction?.to], [compacted, compacted]);
  });

  test('another compactor that comes first, at the very moment, is no failure', async () => {
    await fillRevisions(proxied.cluster, 50);
    let first: Promise<unknown> | undefined;
    proxied.before('KV/Compact', async () => {
      first ??= revisionNow().then((revision) => proxied.cluster.etcdctl('compaction', String(revision)));
      await first;
    });
    const report = assertRunEnded(await run({ COMPACTION_RETENTION: '20' }), 0, 'nothing-needed');
    assertSteps(report, { compact: ['skipped', /nothing new: revision \d+ was already compacted/] });
  });

  test('another compactor that comes before every read of the run is no failure', async () => {
    let times = 0;
    proxied.before('KV/Range', async () => {
      times += 1;
      await fillRevisions(proxied.cluster, 3);
      await proxied.cluster.etcdctl('compaction', String(await revisionNow()));
    });
    assertRunEnded(await run({ COMPACTION_RETENTION: '5' }), 0, 'nothing-needed');
    assert.ok(times > 1, 'it came');
  });

  test('another compactor at work all the time is no failure either', async () => {
    const racing = new AbortController();
    const race = compactAllTheTime(proxied, racing.signal);
    try {
      for (let round = 0; round < 2; round += 1) {
        const { code, report, stdout } = await run({ COMPACTION_RETENTION: '5' });
        assert.equal(code, 0, stdout);
        assert.ok(['ok', 'nothing-needed'].includes(String(report?.outcome)), 'who comes first is chance');
      }
    } finally {
      racing.abort();
    }
    assert.ok((await race) > 10, 'the other one was at work');
    await assertUnlocked(proxied.cluster);
  });

  describe("kube-apiserver's compact_rev_key", () => {
    beforeEach(() => fillRevisions(proxied.cluster, 60));
    afterEach(() => proxied.cluster.etcdctl('del', KUBE_KEY));

    test('its window counts where it is the wider one, and the key is never written', async () => {
      const now = await revisionNow();
      await put(KUBE_KEY, String(now - 40)); // its own revision is now + 1
      const before = await keyAsItIs();
      const report = assertRunEnded(await run({ COMPACTION_RETENTION: '3' }), 0, 'ok');
      const { window, windowFrom, target = 0 } = report.compaction ?? {};
      assert.deepEqual([window, windowFrom], [41, 'kube-apiserver']);
      assert.equal(target, now + 1 - 41);
      assert.ok(report.warnings.some((text) => /COMPACTION_RETENTION \(3\) is less than the 41/.test(text)));
      assert.equal(await keyAsItIs(), before);
    });

    test('COMPACTION_RETENTION counts where it is the wider one', async () => {
      await put(KUBE_KEY, String((await revisionNow()) - 10));
      const report = assertRunEnded(await run({ COMPACTION_RETENTION: '30' }), 0, 'ok');
      assert.deepEqual(
        [report.compaction?.window, report.compaction?.windowFrom],
        [30, 'COMPACTION_RETENTION'],
      );
    });

    test('where kube-apiserver has compacted further there is nothing new', async () => {
      const compacted = (await revisionNow()) - 5;
      await proxied.cluster.etcdctl('compaction', String(compacted));
      await put(KUBE_KEY, String(compacted));
      const before = await keyAsItIs();
      const report = assertRunEnded(await run({ COMPACTION_RETENTION: '20' }), 0, 'nothing-needed');
      assertSteps(report, { compact: ['skipped', /nothing new/] });
      assert.equal(report.compaction?.to, compacted);
      assert.equal(await keyAsItIs(), before);
    });

    for (const garbage of ['not a number', ' ', '-7', '1e3', '99999999999999999999999999']) {
      test(`garbage in it (${JSON.stringify(garbage)}) is taken neither for a window nor for none: nothing is compacted`, async () => {
        await proxied.cluster.etcdctlWithInput(garbage, 'put', KUBE_KEY);
        const report = assertRunEnded(await run({ COMPACTION_RETENTION: '8' }), 5, 'partial');
        assertSteps(report, { backup: 'done', compact: ['refused', /compact_rev_key could not be read/] });
        assert.ok(!proxied.proxies[0]?.calls.includes('KV/Compact'));
      });
    }
  });
});

async function compactAllTheTime({ cluster }: ProxiedCluster, signal: AbortSignal): Promise<number> {
  const member = cluster.member(0);
  let count = 0;
  while (!signal.aborted) {
    await fillRevisions(cluster, 3);
    const { revision } = await member.status();
    await askGateway(member.clientUrl, cluster.access, 'kv/compaction', { body: { revision } });
    count += 1;
    await sleep(20);
  }
  return count;
}

/** Deletes a hundred values a tenth of a second: 60 batches, so six seconds. */
const SLOW = ['--compaction-batch-limit=100', '--compaction-sleep-interval=100ms'];
const SLOW_HISTORY = { keys: 10, valueBytes: 2_000, overwrites: 599 };

describe('a member slow to delete', () => {
  test('every voting member has freed its space when the step is done, the slow one too', async () => {
    await using proxied = await startProxiedCluster({
      size: 3,
      extraArgs: (index) => (index === 2 ? SLOW : []),
    });
    const { cluster } = proxied;
    // Asked last or not: the leader is another one, which would answer for it.
    await cluster.moveLeaderTo(cluster.member(0));
    await fill(cluster, SLOW_HISTORY);
    const [before] = await cluster.status();
    const result = await runJob(proxied.env({ DEFRAG_ENABLED: 'false' }));
    const after = await cluster.status();
    const report = assertRunEnded(result, 0, 'ok');
    assertSteps(report, { compact: 'done' });
    assert.ok(report.steps.compact.durationMs > 3_000, `it took ${report.steps.compact.durationMs} ms`);
    for (const { dbSizeInUse } of after) assert.ok(dbSizeInUse < (before?.dbSizeInUse ?? 0) / 4, told(after));
    assert.equal(membersIn(result.lines, 'member compacted').length, 1);
    assert.equal(membersIn(result.lines, 'member had compacted already').length, 2);
  });

  test('COMPACTION_TIMEOUT shorter than the deletion: it gives up after asking again, and manages when it has time', async () => {
    await using proxied = await startProxiedCluster({ extraArgs: SLOW });
    const { cluster } = proxied;
    await fill(cluster, SLOW_HISTORY);
    const asksAgain = 'member still compacting after COMPACTION_TIMEOUT, asking again';
    const hasty = await runJob(proxied.env({ COMPACTION_TIMEOUT: '1s' }));
    const failed = assertRunEnded(hasty, 5, 'partial');
    assertSteps(failed, {
      compact: [
        'failed',
        /m0 .* was not seen to end its compaction to \d+: .*its space comes free when the member is done.*raise COMPACTION_TIMEOUT/,
      ],
      defragment: ['skipped', /not reached: the run ended at compact/],
    });
    assert.ok(hasty.lines.some(withMessage(asksAgain)));
    assert.ok(!proxied.proxies[0]?.calls.includes('Maintenance/Defragment'));
    await assertUnlocked(cluster);

    await fill(cluster, SLOW_HISTORY);
    const patient = await runJob(proxied.env({ COMPACTION_TIMEOUT: '5s' }));
    assertSteps(assertRunEnded(patient, 0, 'ok'), { compact: ['done', /compacted to \d+/] });
    assert.ok(patient.lines.some(withMessage(asksAgain)));
    assert.ok((await cluster.member(0).status()).dbSizeInUse < MIB);
  });
});

const told = (value: unknown): string => JSON.stringify(value);
