import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { request } from '../support/http-request.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { readKeys } from '../support/read-keys.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup, restoreBackup } from '../support/stored-backup.ts';

const settings = {
  COMPACTION_RETENTION: '1',
  DEFRAG_MIN_DB_SIZE: '0',
  DEFRAG_MIN_FRAGMENTATION: '0',
  ETCDCTL_DIAL_TIMEOUT: '3s',
  ETCDCTL_COMMAND_TIMEOUT: '6s',
  LOCK_TTL: '2s',
};
const auth = { user: 'root', password: 'a secret' };

/** Two of three members are gone; the third has noticed, which its metrics tell without a password. */
async function loseQuorum(cluster: Cluster): Promise<void> {
  await Promise.all([cluster.member(1).kill(), cluster.member(2).kill()]);
  const deadline = Date.now() + 20_000;
  const url = `${cluster.member(0).clientUrl}/metrics`;
  while (!/^etcd_server_has_leader 0$/m.test((await request(url, { tls: cluster.access.tls })).text)) {
    assert.ok(Date.now() < deadline, 'the last member still believes in a leader');
    await sleep(50);
  }
}

/** The emergency backup: made, proved and saying what was wrong, while nothing else is done. */
async function assertEmergencyBackup(
  cluster: Cluster,
  env: Record<string, string>,
  root: string,
): Promise<void> {
  const survivor = cluster.member(0);
  const report = assertRunEnded(
    await runJob({ ...env, ...settings, BACKUP_STORE: `file://${root}` }),
    5,
    'partial',
  );
  assertSteps(report, {
    inspect: 'done',
    lock: 'skipped',
    backup: 'done',
    prune: 'refused',
    compact: 'refused',
    defragment: 'refused',
  });
  assert.ok(report.problems.includes('the cluster has no leader'), report.problems.join('; '));
  for (const name of ['m0', 'm1', 'm2'])
    assert.ok(
      report.problems.some((problem) => problem.startsWith(`member ${name} `)),
      name,
    );
  assert.ok(
    report.warnings.some((text) => /goes on without a lock: ./.test(text)),
    report.warnings.join('; '),
  );
  const { manifest } = await onlyBackup(root);
  assert.deepEqual(manifest.problems, report.problems);
  assert.equal(manifest.member.id, survivor.id);
}

// Each has a cluster of its own, and waits until its last member has noticed.
describe('without a quorum', { concurrency: 2 }, () => {
  test('two of three members down: an emergency backup without a lock, which restores everything, exit 5', async () => {
    await using cluster = await startCluster({ size: 3 });
    await using store = await scratchFolder('store');
    await fill(cluster, { keys: 50, valueBytes: 10_000, overwrites: 10 });
    const before = await readKeys(cluster);
    await loseQuorum(cluster);
    const size = (await cluster.member(0).status()).dbSize;
    await assertEmergencyBackup(cluster, cluster.env, store.path);
    assert.ok((await cluster.member(0).status()).dbSize >= size, 'it was defragmented');
    await using restored = await restoreBackup(await onlyBackup(store.path));
    assert.deepEqual(await readKeys(restored), before);
  });

  test('two of three members down and a password: exit 3, saying why and what to do', async () => {
    await using cluster = await startCluster({ size: 3, tls: true, auth });
    await using store = await scratchFolder('store');
    await loseQuorum(cluster);
    const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
    const result = await runJob(env);
    const report = assertRunEnded(result, 3, 'failed');
    assert.match(report.error ?? '', /could not check the password .* that takes a quorum/);
    assert.match(report.error ?? '', /use a client certificate without ETCDCTL_USER for an emergency backup/);
    assert.ok(!result.stdout.includes(auth.password));
    assert.deepEqual(await filesBelow(store.path), []);

    // The way out that the message shows: a certificate whose name is a user's.
    const root = (await cluster.pki?.authority.client({ name: 'root' })) ?? assert.fail('no certificates');
    const access = { ETCDCTL_CERT: root.cert, ETCDCTL_KEY: root.key, ETCDCTL_USER: '', ETCDCTL_PASSWORD: '' };
    await assertEmergencyBackup(cluster, { ...cluster.env, ...access }, store.path);
    await using restored = await restoreBackup(await onlyBackup(store.path), { auth });
    assert.match(await restored.etcdctl('auth', 'status'), /Authentication Status: true/);
  });

  test('two of three members down, client certificates and no passwords: an emergency backup, exit 5', async () => {
    await using cluster = await startCluster({ size: 3, tls: true });
    await using store = await scratchFolder('store');
    await fill(cluster, { keys: 50, valueBytes: 1000 });
    const before = await readKeys(cluster);
    await loseQuorum(cluster);
    await assertEmergencyBackup(cluster, cluster.env, store.path);
    await using restored = await restoreBackup(await onlyBackup(store.path));
    assert.deepEqual(await readKeys(restored), before);
  });

  test('all members down: exit 3, and every endpoint is named with its reason', async () => {
    await using cluster = await startCluster({ size: 3 });
    await using store = await scratchFolder('store');
    await Promise.all(cluster.members.map((member) => member.kill()));
    const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
    const report = assertRunEnded(await runJob(env), 3, 'failed');
    for (const { clientUrl } of cluster.members)
      assert.ok(report.error?.includes(`${clientUrl}: connect ECONNREFUSED`), report.error);
    assert.deepEqual(await filesBelow(store.path), []);
  });
});
