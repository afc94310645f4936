import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { freePort } from '../support/free-port.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { onlyBackup } from '../support/stored-backup.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** Members that serve https, and plain http behind a proxy that counts; what they advertise is http alone. */
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const listens: string[] = [];
const plain: TcpProxy[] = [];
const cluster = stack.use(
  await startCluster({
    size: 3,
    tls: true,
    advertise: async ({ index, clientUrl }) => {
      const http = `http://127.0.0.1:${await freePort()}`;
      listens[index] = `${clientUrl},${http}`;
      const proxy = stack.use(await startTcpProxy(http));
      plain[index] = proxy;
      return proxy.url;
    },
    extraArgs: (index) => [`--listen-client-urls=${listens[index]}`],
  }),
);
await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 10 });

const policy = { COMPACTION_RETENTION: '5', DEFRAG_ENABLED: 'false' };
const settings = { ...cluster.env, ...policy };
const sentInPlainText = (): number => plain.reduce((sum, { bytesFromServer }) => sum + bytesFromServer, 0);
const told = (index: number): RegExp =>
  new RegExp(
    `it advertises plain text \\(${plain[index]?.url}\\), .* have it advertise https \\(--advertise-client-urls\\)`,
  );

test('members that advertise http beside https endpoints: each is asked at its own endpoint, and the report warns', async () => {
  await using store = await scratchFolder('store');
  const endpoints = cluster.members.map(({ clientUrl }) => clientUrl);
  const env = { ...settings, ETCDCTL_ENDPOINTS: endpoints.join(), BACKUP_STORE: `file://${store.path}` };
  const report = assertRunEnded(await runJob(env), 0, 'ok');
  assertSteps(report, { backup: 'done', compact: 'done' });
  assert.equal(sentInPlainText(), 0);
  assert.equal(report.warnings.length, 3);
  for (const [index, endpoint] of endpoints.entries())
    assert.ok(
      report.warnings.some((text) => text.includes(`is asked at ${endpoint}`) && told(index).test(text)),
    );
  await onlyBackup(store.path);
});

test('the same where one endpoint is given: backed up from that member, the rest left alone, exit 5', async () => {
  await using store = await scratchFolder('store');
  const before = await tracesOf(cluster);
  const { clientUrl, id } = cluster.member(1);
  const env = { ...settings, ETCDCTL_ENDPOINTS: clientUrl, BACKUP_STORE: `file://${store.path}` };
  const report = assertRunEnded(await runJob(env), 5, 'partial');
  assertSteps(report, { backup: 'done', compact: 'refused' });
  assert.equal(sentInPlainText(), 0);
  assert.equal(report.problems.length, 2);
  for (const index of [0, 2]) {
    const { name } = cluster.member(index);
    assert.ok(report.problems.some((text) => text.startsWith(`member ${name} `) && told(index).test(text)));
  }
  assert.equal((await onlyBackup(store.path)).manifest.member.id, id);
  await assertUntouched(cluster, before, { locked: true });
});

test('http where http is given is asked as ever', async () => {
  await using store = await scratchFolder('store');
  const given = plain[0]?.url ?? '';
  const report = assertRunEnded(
    await runJob({ ...policy, ETCDCTL_ENDPOINTS: given, BACKUP_STORE: `file://${store.path}` }),
    0,
    'ok',
  );
  assert.deepEqual(report.warnings, []);
});
