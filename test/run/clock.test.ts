import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fill } from '../support/fill.ts';
import { withMessage } from '../support/log-lines.ts';
import { startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { startJob } from '../support/run-job.ts';
import { assertUnlocked, LOCK_KEY } from '../support/run-lock.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';
import { settableClock } from '../support/wrong-clock.ts';

const HISTORY = { keys: 20, valueBytes: 16_384, overwrites: 5 };
/** Far more than a run of so little takes, far less than the clock is set by. */
const MAX_MS = 60_000;
/** Before each of these calls the clock is set. */
const MOMENTS = [
  'Maintenance/Alarm',
  'KV/Txn',
  'Maintenance/Snapshot',
  'KV/Compact',
  'Maintenance/Defragment',
];

describe('a clock that is set in the middle of the run', { concurrency: 2 }, () => {
  for (const [how, hours] of [
    ['back', -1],
    ['forward', 1],
  ] as const) {
    test(`${how} by an hour, before each kind of call anew, changes nothing`, async () => {
      await using proxied = await startProxiedCluster();
      await using clock = await settableClock();
      await fill(proxied.cluster, HISTORY);
      const seen = new Set<string>();
      for (const method of MOMENTS) {
        proxied.before(method, () => clock.set(hours * seen.add(method).size));
      }
      // Also while the cluster is watched after the defragmentation: the member has answered, and was well once.
      let looks = 0;
      proxied.before('Maintenance/Status', async () => {
        if (seen.has('Maintenance/Defragment')) looks += 1;
        if (looks === 3) await clock.set(hours * seen.add('Maintenance/Status').size);
      });
      const began = performance.now();
      await using job = await startJob(proxied.env({ ...clock.env, DEFRAG_WAIT: '1s' }));
      const report = assertRunEnded(await job.finished, 0, 'ok');
      assert.ok(performance.now() - began < MAX_MS);
      assert.equal(seen.size, MOMENTS.length + 1);
      assertSteps(report, { backup: 'done', compact: 'done', defragment: 'done' });
      assert.deepEqual(report.problems, []);
      for (const { durationMs } of [report, ...Object.values(report.steps)]) {
        assert.ok(durationMs >= 0 && durationMs < MAX_MS, `it is told to have taken ${durationMs} ms`);
      }
      const { startedAt, finishedAt } = (await onlyBackup(proxied.store)).manifest;
      const tookMs = Date.parse(finishedAt) - Date.parse(startedAt);
      assert.ok(tookMs >= 0 && tookMs < MAX_MS, `the backup is told to have taken ${tookMs} ms`);
      await assertUnlocked(proxied.cluster);
    });

    test(`${how} by an hour while a dead run's lock is watched changes nothing`, async () => {
      await using proxied = await startProxiedCluster();
      await using clock = await settableClock();
      const { cluster } = proxied;
      await fill(cluster, HISTORY);
      const granted = await cluster.etcdctl('lease', 'grant', '12');
      const lease = /lease ([0-9a-f]+) granted/.exec(granted)?.[1] ?? assert.fail(granted);
      await cluster.etcdctl('put', LOCK_KEY, 'the dead one', `--lease=${lease}`);
      await using job = await startJob(proxied.env({ ...clock.env, LOCK_TTL: '12s' }));
      await job.waitForLine(withMessage('lock is held, waiting for it to expire or be renewed'));
      await clock.set(hours);
      assertSteps(assertRunEnded(await job.finished, 0, 'ok'), { lock: 'done', backup: 'done' });
      assert.equal((await filesBelow(proxied.store)).length, 2);
      await assertUnlocked(cluster);
    });

    test(`${how} by an hour while a lock is watched that is not going to be free: exit code 6 in its time`, async () => {
      await using proxied = await startProxiedCluster();
      await using clock = await settableClock();
      const { cluster } = proxied;
      const granted = await cluster.etcdctl('lease', 'grant', '600');
      const lease = /lease ([0-9a-f]+) granted/.exec(granted)?.[1] ?? assert.fail(granted);
      await cluster.etcdctl('put', LOCK_KEY, 'the dead one', `--lease=${lease}`);
      await using job = await startJob(proxied.env({ ...clock.env, LOCK_TTL: '1s' }));
      await job.waitForLine(withMessage('lock is held, waiting for it to expire or be renewed'));
      await clock.set(hours);
      const report = assertRunEnded(await job.finished, 6, 'busy');
      const { durationMs } = report.steps.lock;
      assert.ok(durationMs >= 16_000 && durationMs < MAX_MS, `it was watched for ${durationMs} ms`);
    });
  }
});
