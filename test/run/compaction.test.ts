import assert from 'node:assert/strict';
import { after as afterAll, afterEach, before as beforeAll, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askGateway } from '../support/gateway.ts';
import { fill, fillRevisions } from '../support/fill.ts';
import { runJob } from '../support/job.ts';
import { onlyBackup } from '../support/stored.ts';
import { scratchFolder } from '../support/scratch.ts';
import {
  assertUnlocked,
  ended,
  hasHistoryAt,
  membersIn,
  MIB,
  type Place,
  says,
  startPlace,
  step,
} from '../support/upkeep.ts';

const KUBE_KEY = 'compact_rev_key';

describe('one member', () => {
  let place: Place;
  beforeAll(async () => {
    place = await startPlace();
  });
  afterAll(() => place[Symbol.asyncDispose]());
  afterEach(() => place.proxies.forEach((proxy) => proxy.reset()));

  const revisionNow = async () => (await place.cluster.member(0).status()).revision;
  const put = (key: string, value: string) => place.cluster.etcdctl('put', key, value);
  const night = (extra: Record<string, string> = {}) =>
    runJob(place.env({ DEFRAG_ENABLED: 'false', ...extra }));

  /** Its value and revisions, without the header that changes with every answer. */
  const keyAsItIs = async () => {
    const fields = await place.cluster.etcdctl('get', KUBE_KEY, '-w', 'fields');
    return fields.replace(/^"(Revision|RaftTerm|MemberID|ClusterID)".*$/gm, '');
  };

  test('a history within the window has nothing to compact', async () => {
    const empty = ended(await night({ COMPACTION_RETENTION: '10000' }), 0, 'nothing-needed');
    step(empty, 'compact', 'skipped', /nothing to do: revision \d+ is within the 10000 revisions to keep/);
    const vast = ended(await night({ COMPACTION_RETENTION: '9007199254740991' }), 0, 'nothing-needed');
    step(vast, 'compact', 'skipped', /nothing to do/);
    assert.equal(place.proxies[0]?.calls.includes('KV/Compact'), false);
    assert.ok(await hasHistoryAt(place.cluster, 1));
  });

  test('what is older than the window goes, and what is in it stays', async () => {
    await fillRevisions(place.cluster, 100);
    const report = ended(await night({ COMPACTION_RETENTION: '30' }), 0, 'ok');
    step(report, 'compact', 'done', /compacted to \d+, keeping 30 revisions/);
    const { from, to = 0, target, window, windowFrom } = report.compaction ?? {};
    assert.deepEqual([from, to, window, windowFrom], [0, target, 30, 'COMPACTION_RETENTION']);
    assert.ok(await hasHistoryAt(place.cluster, to));
    assert.ok(!(await hasHistoryAt(place.cluster, to - 1)));
    assert.ok((report.backup?.revision ?? 0) - to >= 30);
    await assertUnlocked(place.cluster);
  });

  test('a window of one revision, and of none, compacts no further than to what the backup holds', async () => {
    for (const retention of [1, 0]) {
      await fillRevisions(place.cluster, 10);
      const report = ended(await night({ COMPACTION_RETENTION: String(retention) }), 0, 'ok');
      const { to = 0 } = report.compaction ?? {};
      assert.ok(to <= (report.backup?.revision ?? 0) - retention);
      assert.ok(to >= (report.backup?.revision ?? 0) - retention - 2, 'the lock itself takes a revision');
    }
  });

  test('writes that go on during the backup are not compacted away: no backup holds them', async () => {
    const newest = Promise.withResolvers<number>();
    place.before('Maintenance/Snapshot', async () => {
      await fillRevisions(place.cluster, 50);
      newest.resolve(await revisionNow());
    });
    await using store = await scratchFolder('store');
    const own = { COMPACTION_RETENTION: '0', BACKUP_STORE: `file://${store.path}` };
    const report = ended(await night(own), 0, 'ok');
    const { manifest } = await onlyBackup(store.path);
    assert.ok(manifest.revision < (await newest.promise) - 45);
    assert.ok((report.compaction?.to ?? 0) <= manifest.revision);
    assert.ok(await hasHistoryAt(place.cluster, manifest.revision + 1));
  });

  test('a history that was compacted further already is nothing new', async () => {
    await fillRevisions(place.cluster, 50);
    const compacted = await revisionNow();
    await place.cluster.etcdctl('compaction', String(compacted));
    const report = ended(await night({ COMPACTION_RETENTION: '20' }), 0, 'nothing-needed');
    step(report, 'compact', 'skipped', /nothing new: revision \d+ was already compacted .*begins at \d+/);
    assert.deepEqual([report.compaction?.from, report.compaction?.to], [compacted, compacted]);
  });

  test('another compactor that comes first, at the very moment, is no failure', async () => {
    await fillRevisions(place.cluster, 50);
    let first: Promise<unknown> | undefined;
    place.before('KV/Compact', async () => {
      first ??= revisionNow().then((revision) => place.cluster.etcdctl('compaction', String(revision)));
      await first;
    });
    const report = ended(await night({ COMPACTION_RETENTION: '20' }), 0, 'nothing-needed');
    step(report, 'compact', 'skipped', /nothing new: revision \d+ was already compacted/);
  });

  test('another compactor that comes before every read of the run is no failure', async () => {
    let times = 0;
    place.before('KV/Range', async () => {
      times += 1;
      await fillRevisions(place.cluster, 3);
      await place.cluster.etcdctl('compaction', String(await revisionNow()));
    });
    ended(await night({ COMPACTION_RETENTION: '5' }), 0, 'nothing-needed');
    assert.ok(times > 1, 'it came');
  });

  test('another compactor at work all the time is no failure either', async () => {
    const racing = new AbortController();
    const race = compactAllTheTime(place, racing.signal);
    try {
      for (let round = 0; round < 2; round += 1) {
        const { code, report, stdout } = await night({ COMPACTION_RETENTION: '5' });
        assert.equal(code, 0, stdout);
        assert.ok(['ok', 'nothing-needed'].includes(String(report?.outcome)), 'who comes first is chance');
      }
    } finally {
      racing.abort();
    }
    assert.ok((await race) > 10, 'the other one was at work');
    await assertUnlocked(place.cluster);
  });

  describe("kube-apiserver's compact_rev_key", () => {
    beforeEach(() => fillRevisions(place.cluster, 60));
    afterEach(() => place.cluster.etcdctl('del', KUBE_KEY));

    test('its window counts where it is the wider one, and the key is never written', async () => {
      const now = await revisionNow();
      await put(KUBE_KEY, String(now - 40)); // its own revision is now + 1
      const before = await keyAsItIs();
      const report = ended(await night({ COMPACTION_RETENTION: '3' }), 0, 'ok');
      const { window, windowFrom, target = 0 } = report.compaction ?? {};
      assert.deepEqual([window, windowFrom], [41, 'kube-apiserver']);
      assert.equal(target, now + 1 - 41);
      assert.ok(report.warnings.some((text) => /COMPACTION_RETENTION \(3\) is less than the 41/.test(text)));
      assert.equal(await keyAsItIs(), before);
    });

    test('COMPACTION_RETENTION counts where it is the wider one', async () => {
      await put(KUBE_KEY, String((await revisionNow()) - 10));
      const report = ended(await night({ COMPACTION_RETENTION: '30' }), 0, 'ok');
      assert.deepEqual(
        [report.compaction?.window, report.compaction?.windowFrom],
        [30, 'COMPACTION_RETENTION'],
      );
    });

    test('where kube-apiserver has compacted further there is nothing new', async () => {
      const compacted = (await revisionNow()) - 5;
      await place.cluster.etcdctl('compaction', String(compacted));
      await put(KUBE_KEY, String(compacted));
      const before = await keyAsItIs();
      const report = ended(await night({ COMPACTION_RETENTION: '20' }), 0, 'nothing-needed');
      step(report, 'compact', 'skipped', /nothing new/);
      assert.equal(report.compaction?.to, compacted);
      assert.equal(await keyAsItIs(), before);
    });

    for (const garbage of ['not a number', ' ', '-7', '1e3', '99999999999999999999999999']) {
      test(`garbage in it (${JSON.stringify(garbage)}) is not taken for a window`, async () => {
        await place.cluster.etcdctlWithInput(garbage, 'put', KUBE_KEY);
        const report = ended(await night({ COMPACTION_RETENTION: '8' }), 0, 'ok');
        assert.deepEqual(
          [report.compaction?.window, report.compaction?.windowFrom],
          [8, 'COMPACTION_RETENTION'],
        );
      });
    }
  });
});

async function compactAllTheTime({ cluster }: Place, signal: AbortSignal): Promise<number> {
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
    await using place = await startPlace({
      size: 3,
      extraArgs: (index) => (index === 2 ? SLOW : []),
    });
    const { cluster } = place;
    // S3Request last or not: the leader is another one, which would answer for it.
    await cluster.moveLeaderTo(cluster.member(0));
    await fill(cluster, SLOW_HISTORY);
    const [before] = await cluster.status();
    const result = await runJob(place.env({ DEFRAG_ENABLED: 'false' }));
    const after = await cluster.status();
    const report = ended(result, 0, 'ok');
    step(report, 'compact', 'done');
    assert.ok(report.steps.compact.durationMs > 3_000, `it took ${report.steps.compact.durationMs} ms`);
    for (const { dbSizeInUse } of after) assert.ok(dbSizeInUse < (before?.dbSizeInUse ?? 0) / 4, told(after));
    assert.equal(membersIn(result.lines, 'member compacted').length, 1);
    assert.equal(membersIn(result.lines, 'member had compacted already').length, 2);
  });

  test('COMPACTION_TIMEOUT shorter than the deletion: it gives up after asking again, and manages when it has time', async () => {
    await using place = await startPlace({ extraArgs: SLOW });
    const { cluster } = place;
    await fill(cluster, SLOW_HISTORY);
    const asksAgain = 'member still compacting after COMPACTION_TIMEOUT, asking again';
    const hasty = await runJob(place.env({ COMPACTION_TIMEOUT: '1s' }));
    const failed = ended(hasty, 5, 'partial');
    step(
      failed,
      'compact',
      'failed',
      /m0 .* did not compact to \d+: .*its space comes free when the member is done.*raise COMPACTION_TIMEOUT/,
    );
    step(failed, 'defragment', 'skipped', /not reached: the run ended at compact/);
    assert.ok(hasty.lines.some(says(asksAgain)));
    assert.ok(!place.proxies[0]?.calls.includes('Maintenance/Defragment'));
    await assertUnlocked(cluster);

    await fill(cluster, SLOW_HISTORY);
    const patient = await runJob(place.env({ COMPACTION_TIMEOUT: '5s' }));
    step(ended(patient, 0, 'ok'), 'compact', 'done', /compacted to \d+/);
    assert.ok(patient.lines.some(says(asksAgain)));
    assert.ok((await cluster.member(0).status()).dbSizeInUse < MIB);
  });
});

const told = (value: unknown): string => JSON.stringify(value);
