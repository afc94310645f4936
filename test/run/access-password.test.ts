import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { askGateway } from '../support/etcd-gateway.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { jwtFlag } from '../support/jwt-keys.ts';
import { startProxiedCluster } from '../support/proxied-cluster.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup, restoreBackup } from '../support/stored-backup.ts';
import type { EtcdVersion } from '../support/tools.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const TTL_SECONDS = 1;
/** A tenth of a second for each time that a password is checked is too much here. */
const CHEAP_HASHES = '--bcrypt-cost=4';
const auth = { user: 'root', password: 'a pass:word, with "all" of it' };
const cluster = await startCluster({ tls: true, auth, extraArgs: [CHEAP_HASHES] });
const store = await scratchFolder('store');
after(async () => {
  await cluster[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});
await fill(cluster, { keys: 20, valueBytes: 1000, overwrites: 10 });
const env = { ...cluster.env, BACKUP_STORE: `file://${store.path}`, COMPACTION_RETENTION: '1' };

/** The run fails with code 2 and says what to do, once; nothing has changed and the password is nowhere. */
async function assertRefused(given: Record<string, string>, why: RegExp): Promise<void> {
  const before = await tracesOf(cluster);
  await assertRefusal(given, why);
  await assertUntouched(cluster, before);
}

/** The same of a run that came as far as its lock. */
async function assertRefusal(given: Record<string, string>, why: RegExp): Promise<void> {
  const result = await runJob(given);
  const report = assertRunEnded(result, 2, 'failed');
  const error = report.error ?? '';
  assert.match(error, why);
  assert.match(error, /Check ETCDCTL_USER, ETCDCTL_PASSWORD and that the user has etcd's root role/);
  assert.match(error, /nothing was changed/);
  assert.equal(error.match(/etcdserver:|auth:/g)?.length, 1, `told more than once: ${error}`);
  const { ETCDCTL_PASSWORD: password } = given;
  for (const text of [result.stdout, result.terminationMessage])
    assert.ok(!password || !text?.includes(JSON.stringify(password).slice(1, -1)));
  assert.deepEqual(await filesBelow(store.path), []);
}

async function addUser(name: string, password: string): Promise<void> {
  const { clientUrl } = cluster.member(0);
  await askGateway(clientUrl, cluster.access, 'auth/user/add', { body: { name, password } });
}

test('a wrong password: exit 2, saying what to check', async () => {
  await assertRefused(
    { ...env, ETCDCTL_PASSWORD: 'not it' },
    /authentication failed, invalid user ID or password/,
  );
});

test('a user that does not exist: exit 2', async () => {
  await assertRefused({ ...env, ETCDCTL_USER: 'nobody' }, /authentication failed/);
});

test('no password where etcd wants one: exit 2', async () => {
  // An empty variable counts as unset.
  await assertRefused({ ...env, ETCDCTL_USER: '', ETCDCTL_PASSWORD: '' }, /permission denied|user name/);
});

test('a user without any role: exit 2, and it says that the root role is needed', async () => {
  await addUser('peter', 'secret-of-peter');
  await assertRefused(
    { ...env, ETCDCTL_USER: 'peter', ETCDCTL_PASSWORD: 'secret-of-peter' },
    /permission denied/,
  );
});

test('a user who may read and write every key but is not root: exit 2', async () => {
  const { clientUrl } = cluster.member(0);
  const all = Buffer.from('\0').toString('base64');
  await addUser('writer', 'secret-of-writer');
  await askGateway(clientUrl, cluster.access, 'auth/role/add', { body: { name: 'writer' } });
  await askGateway(clientUrl, cluster.access, 'auth/role/grant', {
    body: { name: 'writer', perm: { permType: 'READWRITE', key: all, range_end: all } },
  });
  await askGateway(clientUrl, cluster.access, 'auth/user/grant', {
    body: { user: 'writer', role: 'writer' },
  });
  // Nobody is asked for what root alone may do before the snapshot is, in a cluster of one.
  await assertRefusal(
    { ...env, ETCDCTL_USER: 'writer', ETCDCTL_PASSWORD: 'secret-of-writer' },
    /permission denied/,
  );
  await assertUnlocked(cluster);
});

test('the right password, also as name:password in one variable, and the backup holds it', async () => {
  const { ETCDCTL_PASSWORD, ...rest } = { ETCDCTL_PASSWORD: '', ...env };
  await using here = await scratchFolder('store');
  const result = await runJob({
    ...rest,
    ETCDCTL_USER: `${auth.user}:${ETCDCTL_PASSWORD}`,
    BACKUP_STORE: `file://${here.path}`,
  });
  assertRunEnded(result, 0, 'ok');
  assert.ok(!result.stdout.includes('a pass:word'));
  await using restored = await restoreBackup(await onlyBackup(here.path), { auth });
  assert.match(await restored.etcdctl('auth', 'status'), /Authentication Status: true/);
});

test('the password goes to etcd alone, not to a proxy that the environment names for the world outside', async () => {
  await using plain = await startCluster({ auth, extraArgs: [CHEAP_HASHES] });
  await using here = await scratchFolder('store');
  const nowhere = 'http://127.0.0.1:1';
  const proxies = { http_proxy: nowhere, https_proxy: nowhere, grpc_proxy: nowhere };
  const result = await runJob({ ...plain.env, ...proxies, BACKUP_STORE: `file://${here.path}` });
  assertRunEnded(result, 0, 'nothing-needed');
});

test('a certificate whose name is root does instead of a password', async () => {
  const { authority } = cluster.pki ?? assert.fail('the cluster has no certificates');
  const root = await authority.client({ name: 'root' });
  const access = { ETCDCTL_CERT: root.cert, ETCDCTL_KEY: root.key, ETCDCTL_USER: '', ETCDCTL_PASSWORD: '' };
  await using here = await scratchFolder('store');
  const result = await runJob({ ...cluster.env, ...access, BACKUP_STORE: `file://${here.path}` });
  assertRunEnded(result, 0, 'nothing-needed');
  await onlyBackup(here.path);
});

// Most of it is waiting for a snapshot that is slow enough.
describe('a token that expires in the middle of the run', { concurrency: 3 }, () => {
  for (const version of ['3.5', '3.6', '3.7'] as const) {
    test(`is renewed (etcd ${version})`, async () => {
      await using stack = new AsyncDisposableStack();
      const slow = await startSlowCluster(version, stack);
      const here = stack.use(await scratchFolder('store'));
      const result = await runJob({
        ...slow.env,
        BACKUP_STORE: `file://${here.path}`,
        BACKUP_COMPRESSION: 'none',
        COMPACTION_RETENTION: '2',
        DEFRAG_MIN_DB_SIZE: '1Mi',
        DEFRAG_MIN_FRAGMENTATION: '0.1',
        DEFRAG_WAIT: '2s',
      });
      const report = assertRunEnded(result, 0, 'ok');
      assertSteps(report, { backup: 'done', compact: 'done', defragment: 'done' });
      assert.ok(
        report.steps.backup.durationMs > 2 * TTL_SECONDS * 1000,
        'the token did not expire meanwhile',
      );
      await onlyBackup(here.path);
    });
  }
});

test('a role that is added in the middle of the run makes every token of JWT old, and the run goes on with new ones', async () => {
  await using keys = await scratchFolder('jwt');
  await using proxied = await startProxiedCluster({ auth, extraArgs: [CHEAP_HASHES, jwtFlag(keys.path)] });
  await fill(proxied.cluster, { keys: 20, valueBytes: 1000, overwrites: 10 });
  const { clientUrl } = proxied.cluster.member(0);
  const addRole = (name: string) =>
    askGateway(clientUrl, proxied.cluster.access, 'auth/role/add', { body: { name } });
  const added = new Set<string>();
  // Once before each kind of call. The run's next call shows a token that is older than the role.
  for (const method of ['HashKV', 'Alarm', 'Snapshot', 'Defragment']
    .map((name) => `Maintenance/${name}`)
    .concat('KV/Txn', 'KV/Compact')) {
    proxied.before(method, async () => {
      if (added.has(method)) return;
      added.add(method);
      await addRole(method);
    });
  }
  // The only member is asked for its hash where nobody looks inside the backup.
  const result = await runJob(proxied.env({ BACKUP_CHECK_STRUCTURE: 'false' }));
  const report = assertRunEnded(result, 0, 'ok');
  assertSteps(report, { lock: 'done', backup: 'done', compact: 'done', defragment: 'done' });
  assert.deepEqual(report.problems, []);
  assert.equal(added.size, 6, [...added].join(', '));
  await assertUnlocked(proxied.cluster);
});

for (const [when, call, reason] of [
  [
    'in the middle of the run',
    'Maintenance/Defragment',
    /etcd did not defragment it: .*authentication failed, invalid user ID or password/,
  ],
  // The first write after the compaction makes the members' metrics true.
  ['after the compaction', 'KV/Put', /authentication failed/],
] as const) {
  test(`a password that is changed ${when}: exit 5, and nobody says that nothing was changed`, async () => {
    await using proxied = await startProxiedCluster({ auth, extraArgs: [CHEAP_HASHES] });
    const { cluster: here } = proxied;
    await fill(here, { keys: 20, valueBytes: 1000, overwrites: 10 });
    const body = { name: auth.user, password: 'another' };
    let changed: Promise<unknown> | undefined;
    proxied.before(call, async () => {
      changed ??= askGateway(here.member(0).clientUrl, here.access, 'auth/user/changepw', { body });
      await changed;
    });
    const report = assertRunEnded(await runJob(proxied.env()), 5, 'partial');
    assertSteps(report, { backup: 'done', compact: 'done', defragment: ['failed', reason] });
    assert.doesNotMatch(JSON.stringify(report), /nothing was changed/);
  });
}

/** One member with short-lived tokens, which can only be reached through a proxy that lets a snapshot take seconds. */
async function startSlowCluster(version: EtcdVersion, stack: AsyncDisposableStack): Promise<Cluster> {
  const slow = await startCluster({
    version,
    auth,
    extraArgs: ['--auth-token=simple', `--auth-token-ttl=${TTL_SECONDS}`, CHEAP_HASHES],
    advertise: async ({ clientUrl }) => {
      const proxy = stack.use(await startTcpProxy(clientUrl));
      proxy.throttle(3_000_000);
      return proxy.url;
    },
  });
  stack.use(slow);
  await fill(slow, { keys: 60, valueBytes: 15_000, overwrites: 7 });
  return slow;
}
