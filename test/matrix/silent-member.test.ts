import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill } from '../support/fill.ts';
import { withMessage } from '../support/log-lines.ts';
import { startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { startJob } from '../support/run-job.ts';
import { LOCK_KEY } from '../support/run-lock.ts';
import { memberOf } from '../support/run-report.ts';

// Warnings a minute apart: too slow for `npm test`.
test('a member that never comes back is waited for three times DEFRAG_TIMEOUT, with the lock held and a warning a minute', async () => {
  await using proxied = await startProxiedCluster({ size: 3 });
  const { cluster } = proxied;
  await fill(cluster, { keys: 20, valueBytes: 16_384, overwrites: 15 });
  let victim: string | undefined;
  proxied.before('Maintenance/Defragment', async (name) => {
    victim = name;
    await cluster.members.find((member) => member.name === name)?.pause();
  });
  await using job = await startJob(proxied.env({ DEFRAG_TIMEOUT: '35s', ETCDCTL_COMMAND_TIMEOUT: '2s' }), {
    timeoutMs: 180_000,
  });
  const waits = withMessage('member does not answer yet, waiting for it');
  await job.waitForLine(waits, 60_000);
  assert.match(await cluster.etcdctl('get', LOCK_KEY), /holder/);
  const result = await job.finished;
  for (const member of cluster.members) member.resume();
  const report = assertRunEnded(result, 5, 'partial');
  assertSteps(report, {
    defragment: ['failed', /it has not answered since its defragmentation began 10\d(\.\d)? s ago/],
  });
  const told = result.lines
    .filter(waits)
    .map(({ member, seconds }) => ({ member, seconds: Number(seconds) }));
  assert.deepEqual(
    told.map(({ member }) => member),
    [victim, victim],
  );
  const [first, second] = told.map(({ seconds }) => seconds);
  assert.ok(first !== undefined && first >= 35 && first < 45, JSON.stringify(told));
  assert.ok(second !== undefined && second >= first + 60 && second < first + 65, JSON.stringify(told));
  const { defragmented, unavailableSeconds = 0, after } = memberOf(report, String(victim));
  assert.equal(defragmented, false);
  assert.ok(unavailableSeconds >= 105 && unavailableSeconds < 110, `it says ${unavailableSeconds} s`);
  assert.equal(after, undefined);
});
