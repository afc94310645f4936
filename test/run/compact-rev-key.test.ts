import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { fillRevisions } from '../support/fill.ts';
import { startProxiedCluster } from '../support/proxied-cluster.ts';
import { hasHistoryAt } from '../support/read-keys.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';

const KEY = 'compact_rev_key';
/** A Range of the first key as of revision 1, by which the run finds out whether the history begins there. */
const FIRST_REVISION = Buffer.from([0x0a, 1, 0, 0x18, 1, 0x20, 1]);
const refused = { code: 13, message: 'not now' };

const place = await startProxiedCluster();
after(() => place[Symbol.asyncDispose]());
afterEach(() => place.proxies.forEach((proxy) => proxy.reset()));
beforeEach(() => fillRevisions(place.cluster, 40));

const run = (extra: Record<string, string> = {}) =>
  runJob(place.env({ DEFRAG_ENABLED: 'false', COMPACTION_RETENTION: '3', ...extra }));

/** Has kube-apiserver's note say that it keeps that many revisions. */
async function keep(revisions: number): Promise<void> {
  const { revision } = await place.cluster.member(0).status();
  await place.cluster.etcdctl('put', KEY, String(revision + 1 - revisions));
}

test('the key was read and the compact revision could not be: the window is that of kube-apiserver all the same', async () => {
  await keep(25);
  place.before('KV/Range', (_member, request) => (request.includes(FIRST_REVISION) ? refused : undefined));
  const report = assertRunEnded(await run(), 0, 'ok');
  assertSteps(report, { compact: ['done', /keeping 25 revisions/] });
  assert.equal(report.compaction?.windowFrom, 'kube-apiserver');
  assert.ok(
    report.warnings.some((warning) => warning.startsWith('the compact revision could not be read at m0')),
  );
});

/** Backed up, and the history is as long as before. */
async function assertNotCompacted(why: RegExp): Promise<void> {
  const { revision } = await place.cluster.member(0).status();
  const report = assertRunEnded(await run(), 5, 'partial');
  assertSteps(report, { backup: 'done', compact: ['refused', why] });
  assert.deepEqual(report.problems, []);
  assert.ok(!place.proxies.some(({ calls }) => calls.includes('KV/Compact')));
  assert.ok(await hasHistoryAt(place.cluster, revision - 10));
}

test('the key could not be read: nothing is compacted, exit 5', async () => {
  await keep(25);
  place.before('KV/Range', (_member, request) => (request.includes(KEY) ? refused : undefined));
  await assertNotCompacted(/compact_rev_key could not be read \(m0 \(\w+\): not now\)/);
});

for (const [what, value] of [
  ['a revision that is still to come', '4000000000'],
  ['nothing', ''],
] as const) {
  test(`the key holds ${what}: nothing is compacted, exit 5`, async () => {
    await place.cluster.etcdctl('put', KEY, value);
    await assertNotCompacted(/compact_rev_key could not be read .*etcdctl get compact_rev_key/);
  });
}
