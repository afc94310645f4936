import assert from 'node:assert/strict';
import { after as afterAll, afterEach, before as beforeAll, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { STEP_NAMES, type StepName } from '../../src/plan/steps.ts';
import type { Report } from '../../src/run/report.ts';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type Job, startJob } from '../support/run-job.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { stallSnapshot } from '../support/stalled-snapshot.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { assertUnlocked, LOCK_KEY, lockLease } from '../support/run-lock.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { holdCalls, type ProxiedCluster, startProxiedCluster } from '../support/proxied-cluster.ts';
import { memberOf } from '../support/run-report.ts';
import { membersIn, withMessage } from '../support/log-lines.ts';
import { within } from '../support/within.ts';

/** About three seconds: time for the lock's release and for a busy machine. */
const PROMPT_MS = 3_500;
const CODES = { SIGTERM: 143, SIGINT: 130 } as const;
type Signal = keyof typeof CODES;

describe('a run that is told to end', () => {
  let proxied: ProxiedCluster;
  beforeAll(async () => {
    proxied = await startProxiedCluster({ size: 3 });
  });
  afterAll(() => proxied[Symbol.asyncDispose]());
  beforeEach(() => fill(proxied.cluster, { keys: 20, valueBytes: 16_384, overwrites: 5 }));
  afterEach(() => proxied.proxies.forEach((proxy) => proxy.reset()));

  const files = () => filesBelow(proxied.store);

  test('while it inspects ends with nothing done', async () => {
    const held = holdCalls(proxied, 'Maintenance/HashKV');
    await using job = await startJob(proxied.env());
    await held.reached();
    const report = await endsPromptly(job, 'SIGTERM');
    assertSteps(report, { inspect: 'failed' });
    notReached(report, 'inspect');
    assert.deepEqual(await files(), []);
    await assertUnlocked(proxied.cluster);
  });

  test('while it waits for the lock of another leaves that lock alone', async () => {
    const granted = await proxied.cluster.etcdctl('lease', 'grant', '600');
    const lease = /lease ([0-9a-f]+) granted/.exec(granted)?.[1] ?? '';
    await proxied.cluster.etcdctl('put', LOCK_KEY, 'the other', `--lease=${lease}`);
    await using job = await startJob(proxied.env({ LOCK_TTL: '60s' }));
    await job.waitForLine(withMessage('lock is held, waiting for it to expire or be renewed'));
    const report = await endsPromptly(job, 'SIGINT');
    assertSteps(report, { lock: ['failed', /ended by SIGINT/] });
    notReached(report, 'lock');
    assert.deepEqual(await files(), []);
    assert.ok(await lockLease(proxied.cluster), "the other's lock is still there");
    await proxied.cluster.etcdctl('lease', 'revoke', lease);
  });

  test('before the first byte of the backup leaves no file', async () => {
    const held = holdCalls(proxied, 'Maintenance/Snapshot');
    await using job = await startJob(proxied.env());
    await held.reached();
    const report = await endsPromptly(job, 'SIGTERM');
    assertSteps(report, { backup: ['failed', /ended by SIGTERM/] });
    notReached(report, 'backup');
    assert.deepEqual(await files(), []);
    await assertUnlocked(proxied.cluster);
  });

  test('while it compacts keeps the backup and says where it was', async () => {
    const held = holdCalls(proxied, 'KV/Compact');
    await using job = await startJob(proxied.env());
    await held.reached();
    const report = await endsPromptly(job, 'SIGINT');
    assertSteps(report, { backup: 'done', compact: ['failed', /ended by SIGINT/] });
    notReached(report, 'compact');
    assert.equal((await files()).length, 2, 'the backup and its manifest');
    await assertUnlocked(proxied.cluster);
  });

  test('while a member defragments says that the member goes on by itself, and it does', async () => {
    const begun = Promise.withResolvers<string>();
    let stream: Disposable | undefined;
    proxied.before('Maintenance/Defragment', async (name) => {
      const member = proxied.cluster.members.find((it) => it.name === name);
      assert.ok(member);
      stream = await stallSnapshot(member); // a real defragmentation now lasts until the stream ends
      setTimeout(() => begun.resolve(name), 500);
    });
    await using job = await startJob(proxied.env());
    const name = await within(begun.promise, 'a defragmentation');
    const report = await endsPromptly(job, 'SIGTERM');
    assertSteps(report, { defragment: ['failed', /ended by SIGTERM/] });
    notReached(report, 'defragment');
    const { defragmented, reason, before: sizes } = memberOf(report, name);
    assert.equal(defragmented, false);
    assert.match(reason, /the member goes on defragmenting by itself and answers again when it is done/);
    assert.deepEqual(membersIn(job.lines, 'member defragmenting'), [name]);
    await assertUnlockedThrough(proxied, name);
    stream?.[Symbol.dispose]();
    const member = proxied.cluster.members.find((it) => it.name === name);
    const { dbSize } = (await member?.status(20_000)) ?? {};
    assert.ok((dbSize ?? Number.NaN) < (sizes?.dbSize ?? 0), 'etcd finished what it was asked for');
  });

  test('in the wait between two members touches no other one', async () => {
    await using job = await startJob(proxied.env({ DEFRAG_WAIT: '1h' }));
    await job.waitForLine(withMessage('member defragmented'));
    await sleep(500);
    const report = await endsPromptly(job, 'SIGINT');
    assertSteps(report, { defragment: ['failed', /ended by SIGINT/] });
    const [first] = membersIn(job.lines, 'member defragmenting');
    assert.ok(memberOf(report, String(first)).defragmented);
    assert.equal(report.members.filter((member) => member.defragmented).length, 1);
    await assertUnlocked(proxied.cluster);
  });

  test('while it waits for a snapshot stream to end touches nothing', async () => {
    const streams = await Promise.all(proxied.cluster.members.map((member) => stallSnapshot(member)));
    await using job = await startJob(proxied.env());
    await job.waitForLine((line) => line.step === 'compact');
    await sleep(1_000);
    const report = await endsPromptly(job, 'SIGTERM');
    for (const stream of streams) stream[Symbol.dispose]();
    assertSteps(report, { defragment: ['failed', /ended by SIGTERM/] });
    assert.deepEqual(membersIn(job.lines, 'member defragmenting'), []);
    await assertUnlocked(proxied.cluster);
  });

  test('while the leadership moves leaves the leader alone', async () => {
    const held = holdCalls(proxied, 'Maintenance/MoveLeader');
    const leader = await proxied.cluster.leader();
    await using job = await startJob(proxied.env());
    await held.reached();
    const report = await endsPromptly(job, 'SIGTERM');
    assertSteps(report, { defragment: ['failed', /ended by SIGTERM/] });
    assert.equal(memberOf(report, leader.name).defragmented, false);
    assert.equal(membersIn(job.lines, 'member defragmenting').length, 2);
    await assertUnlocked(proxied.cluster);
  });
});

describe('a run that is told to end, on the wire', () => {
  test('while an endpoint hangs ends without having seen the cluster', async () => {
    await using cluster = await startCluster();
    await using proxy = await startTcpProxy(cluster.member(0).clientUrl);
    await using store = await scratchFolder('store');
    proxy.hang();
    await using job = await startJob({
      ETCDCTL_ENDPOINTS: proxy.url,
      ETCDCTL_DIAL_TIMEOUT: '60s',
      BACKUP_STORE: `file://${store.path}`,
    });
    await job.waitForLine(withMessage('run started'));
    while (proxy.connections === 0) await sleep(20);
    const report = await endsPromptly(job, 'SIGTERM');
    for (const name of STEP_NAMES) assert.notEqual(report.steps[name].status, 'done');
    assert.deepEqual(report.members, []);
    assert.deepEqual(await filesBelow(store.path), []);
  });

  for (const [compression, signal] of [
    ['zstd', 'SIGTERM'],
    ['none', 'SIGINT'],
  ] as const) {
    test(`in the middle of the backup (${compression}) leaves nothing of it behind`, async () => {
      const proxies: Awaited<ReturnType<typeof startTcpProxy>>[] = [];
      await using stack = new AsyncDisposableStack();
      await using cluster = await startCluster({
        advertise: async ({ clientUrl }) => {
          const proxy = stack.use(await startTcpProxy(clientUrl));
          proxies.push(proxy);
          return proxy.url;
        },
      });
      await fill(cluster, { keys: 200, valueBytes: 65_536 });
      await using store = await scratchFolder('store');
      const [proxy] = proxies;
      assert.ok(proxy);
      await using job = await startJob({
        ...cluster.env,
        BACKUP_STORE: `file://${store.path}`,
        BACKUP_COMPRESSION: compression,
      });
      await job.waitForLine((line) => line.step === 'lock');
      proxy.throttle(2_000_000);
      const from = proxy.bytesFromServer;
      while (proxy.bytesFromServer < from + 3_000_000) await sleep(20);
      assert.match(String(await filesBelow(store.path)), /\.part$/, 'it is being written');
      const report = await endsPromptly(job, signal);
      assertSteps(report, { backup: ['failed', /ended by/] });
      notReached(report, 'backup');
      assert.equal(report.backup, undefined);
      assert.deepEqual(await filesBelow(store.path), []);
      await assertUnlocked(cluster);
    });
  }

  test('while the backup is read back leaves nothing of it behind', async () => {
    await using cluster = await startCluster();
    await fill(cluster, { keys: 1600, valueBytes: 65_536 });
    await using store = await scratchFolder('store');
    await using job = await startJob({
      ...cluster.env,
      BACKUP_STORE: `file://${store.path}`,
      BACKUP_COMPRESSION: 'zstd',
    });
    await job.waitForLine(withMessage('backup written, reading it back'));
    const report = await endsPromptly(job, 'SIGTERM');
    assertSteps(report, { backup: ['failed', /ended by SIGTERM/] });
    assert.equal(report.backup, undefined);
    assert.deepEqual(await filesBelow(store.path), []);
    await assertUnlocked(cluster);
  });
});

/** Sends the signal and asserts what holds in every step: a prompt end, the exit code, the outcome. */
async function endsPromptly(job: Job, signal: Signal): Promise<Report> {
  const sent = performance.now();
  job.kill(signal);
  const result = await job.finished;
  const took = performance.now() - sent;
  const report = assertRunEnded(result, CODES[signal], 'aborted');
  assert.ok(took < PROMPT_MS, `it took ${Math.round(took)} ms\n${result.stdout}`);
  assert.equal(report.error, `ended by ${signal}`);
  assert.deepEqual(JSON.parse(result.terminationMessage ?? '{}').outcome, 'aborted');
  assert.ok(result.lines.some(withMessage('ending the run')));
  return report;
}

/** Every step after that one says that it was not reached, and where the run ended. */
function notReached(report: Report, last: StepName): void {
  for (const name of STEP_NAMES.slice(STEP_NAMES.indexOf(last) + 1)) {
    assertSteps(report, { [name]: ['skipped', new RegExp(`not reached: the run ended at ${last}`)] });
  }
}

/** Asked of a member that answers. */
async function assertUnlockedThrough({ cluster }: ProxiedCluster, busy: string): Promise<void> {
  const other = cluster.members.find(({ name }) => name !== busy);
  assert.equal(await other?.etcdctl('get', LOCK_KEY), '');
}
