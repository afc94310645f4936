import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { freePort } from '../support/free-port.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const cluster = await startCluster({ size: 3 });
await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 30 });
after(() => cluster[Symbol.asyncDispose]());

const DIAL_SECONDS = 3;
const settings = {
  ETCDCTL_DIAL_TIMEOUT: `${DIAL_SECONDS}s`,
  COMPACTION_RETENTION: '5',
  DEFRAG_ENABLED: 'false',
};
/** Where the answer comes at once, however slow this machine is at that moment. */
const patient = { ...settings, ETCDCTL_DIAL_TIMEOUT: '30s' };
const deadUrl = async () => `http://127.0.0.1:${await freePort()}`;

test('an endpoint where nothing listens: exit 3, and it says so', async () => {
  await using store = await scratchFolder('store');
  const endpoint = await deadUrl();
  const env = { ...patient, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: endpoint };
  const report = assertRunEnded(await runJob(env), 3, 'failed');
  assert.ok(report.error?.includes(`${endpoint}: connect ECONNREFUSED`), report.error);
  assert.match(report.error ?? '', /nothing was backed up and nothing was changed/);
  assert.deepEqual(await filesBelow(store.path), []);
});

test('a name that does not resolve: exit 3, and it names the name', async () => {
  const env = { ...patient, ETCDCTL_ENDPOINTS: 'http://etcd.invalid:2379' };
  const report = assertRunEnded(await runJob(env), 3, 'failed');
  assert.match(report.error ?? '', /Name resolution failed for target dns:etcd\.invalid:2379/);
});

test('an endpoint that accepts and never answers: exit 3 after ETCDCTL_DIAL_TIMEOUT, not later', async () => {
  await using proxy = await startTcpProxy(cluster.member(0).clientUrl);
  proxy.hang();
  const report = assertRunEnded(await runJob({ ...settings, ETCDCTL_ENDPOINTS: proxy.url }), 3, 'failed');
  assert.match(report.error ?? '', new RegExp(`no connection within ${DIAL_SECONDS} s`));
  assert.ok(report.durationMs >= DIAL_SECONDS * 1000 && report.durationMs < DIAL_SECONDS * 1000 + 6000);
});

test('an endpoint that hangs and one that is dead do not keep the run from the one that answers', async () => {
  await using store = await scratchFolder('store');
  await using proxy = await startTcpProxy(cluster.member(0).clientUrl);
  proxy.hang();
  const dead = await deadUrl();
  const endpoints = [proxy.url, dead, cluster.member(1).clientUrl].join(',');
  const env = { ...settings, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: endpoints };
  const report = assertRunEnded(await runJob(env), 0, 'ok');
  assert.equal(report.members.length, 3);
  assert.deepEqual(report.problems, []);
  for (const endpoint of [proxy.url, dead])
    assert.ok(
      report.warnings.some((warning) =>
        warning.startsWith(`${endpoint} of ETCDCTL_ENDPOINTS did not answer`),
      ),
      `nobody is told that ${endpoint} does not answer: ${report.warnings.join('; ')}`,
    );
  await onlyBackup(store.path);
});

test('two endpoints that are one member, and a proxy before it, are one member', async () => {
  await using lone = await startCluster();
  await using store = await scratchFolder('store');
  await using proxy = await startTcpProxy(lone.endpoints);
  await fill(lone, { keys: 10, valueBytes: 1000, overwrites: 10 });
  const twice = `${lone.endpoints},${lone.endpoints.replace('127.0.0.1', 'localhost')},${proxy.url}`;
  const env = { ...settings, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: twice };
  const report = assertRunEnded(await runJob(env), 0, 'ok');
  assert.equal(report.members.length, 1);
  assert.deepEqual(report.warnings, []);
  await onlyBackup(store.path);
});

test('one endpoint, a proxy before one of three members: every member is found, asked and compacted', async () => {
  await using three = await startCluster({ size: 3 });
  await using store = await scratchFolder('store');
  await using proxy = await startTcpProxy(three.member(1).clientUrl);
  await fill(three, { keys: 10, valueBytes: 10_000, overwrites: 20 });
  const env = { ...settings, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: proxy.url };
  const result = await runJob(env);
  const report = assertRunEnded(result, 0, 'ok');
  assert.deepEqual(report.members.map(({ name }) => name).toSorted(), ['m0', 'm1', 'm2']);
  const asked = result.lines.filter(({ msg }) => /^member (had )?compacted/.test(String(msg)));
  assert.equal(asked.length, 3);
});

test('a member whose advertised URL is dead is asked at the endpoint that was given', async () => {
  await using lone = await startCluster({ advertise: deadUrl });
  await using store = await scratchFolder('store');
  await fill(lone, { keys: 10, valueBytes: 1000, overwrites: 10 });
  const { clientUrl } = lone.member(0);
  const env = { ...settings, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: clientUrl };
  const report = assertRunEnded(await runJob(env), 0, 'ok');
  assertSteps(report, { backup: 'done', compact: 'done' });
  await onlyBackup(store.path);
});

test('DISCOVER_MEMBERS=false and an endpoint for every member: as with discovery', async () => {
  await using three = await startCluster({ size: 3, advertise: deadUrl });
  await using store = await scratchFolder('store');
  await fill(three, { keys: 10, valueBytes: 1000, overwrites: 10 });
  const endpoints = three.members.map(({ clientUrl }) => clientUrl).join(',');
  const env = { ...settings, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: endpoints };
  assertRunEnded(await runJob({ ...env, DISCOVER_MEMBERS: 'false' }), 0, 'ok');
});

test('DISCOVER_MEMBERS=false and one endpoint of three: backed up, the rest left alone, exit 5', async () => {
  await using store = await scratchFolder('store');
  const before = await tracesOf(cluster);
  const report = assertRunEnded(
    await runJob({
      ...settings,
      BACKUP_STORE: `file://${store.path}`,
      ETCDCTL_ENDPOINTS: cluster.member(0).clientUrl,
      DISCOVER_MEMBERS: 'false',
      COMPACTION_RETENTION: '1',
    }),
    5,
    'partial',
  );
  assertSteps(report, { backup: 'done', compact: 'refused' });
  assert.equal(report.problems.length, 2);
  for (const name of ['m1', 'm2'])
    assert.ok(
      report.problems.some((text) => text.includes(name) && text.includes('DISCOVER_MEMBERS is false')),
    );
  const { manifest } = await onlyBackup(store.path);
  assert.deepEqual(manifest.problems, report.problems);
  await assertUntouched(cluster, before, { locked: true });
});

test('endpoints of two clusters: exit 2, both are named and neither is changed', async () => {
  await using other = await startCluster();
  await using store = await scratchFolder('store');
  const before = await Promise.all([tracesOf(cluster), tracesOf(other)]);
  const endpoints = `${cluster.member(0).clientUrl},${other.endpoints}`;
  const env = { ...settings, BACKUP_STORE: `file://${store.path}`, ETCDCTL_ENDPOINTS: endpoints };
  const report = assertRunEnded(await runJob(env), 2, 'failed');
  assert.match(report.error ?? '', /different clusters/);
  for (const { clientUrl } of [cluster.member(0), other.member(0)])
    assert.ok(report.error?.includes(clientUrl));
  await assertUntouched(cluster, before[0]);
  await assertUntouched(other, before[1]);
  assert.deepEqual(await filesBelow(store.path), []);
});
