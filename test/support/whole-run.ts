import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type ClusterOptions, startCluster } from './etcd-cluster.ts';
import { fill } from './fill.ts';
import { runJob, startJob } from './run-job.ts';
import { assertRunEnded, assertSteps } from './run-assertions.ts';
import { readKeys } from './read-keys.ts';
import { scratchFolder } from './scratch-folder.ts';
import { settledSize } from './settled-size.ts';
import { filesBelow, onlyBackup, restoreBackup } from './stored-backup.ts';
import type { EtcdVersion } from './tools.ts';
import { assertUntouched, tracesOf } from './cluster-traces.ts';

export interface Shape {
  version: EtcdVersion;
  size: 1 | 3;
  security: 'plain text' | 'TLS' | 'a password';
}

const LOCK_KEY = 'etcd-upkeep/lock';
const REGISTRY = '/registry/';
const KEYS = 100;
const VALUE_BYTES = 8192;
const OVERWRITES = 9;
const RETENTION = 3;
/** Of the database file; the live values take a tenth, and so many of the last overwrites the window keeps. */
const MAX_LEFT = 0.6;

const ENV = {
  CLUSTER_NAME: 'prod',
  LOCK_TTL: '5s',
  COMPACTION_RETENTION: String(RETENTION),
  DEFRAG_WAIT: '0s',
  DEFRAG_MIN_DB_SIZE: '1Mi',
};

/** The same tests for a cluster of any shape: what a run is to do wherever it runs. */
export function testWholeRun({ version, size, security }: Shape): void {
  const auth = security === 'a password' ? { user: 'root', password: 'pass word' } : undefined;
  const options: ClusterOptions = { version, size, tls: security === 'TLS', ...(auth && { auth }) };

  // One after another on their one cluster, also where several shapes are tested at once.
  describe(`etcd ${version}, ${size === 1 ? 'one member' : 'three members'}, ${security}`, {
    concurrency: 1,
  }, () => {
    let cluster: Cluster;

    before(async () => {
      cluster = await startCluster(options);
      await fill(cluster, { keys: KEYS, valueBytes: VALUE_BYTES, overwrites: OVERWRITES });
      await settledSize(cluster);
    });

    after(() => cluster[Symbol.asyncDispose]());

    if (auth) {
      test('a wrong password is told, and nothing happens', async () => {
        await using store = await scratchFolder('store');
        const traces = await tracesOf(cluster);
        const env = { BACKUP_STORE: `file://${store.path}`, ETCDCTL_PASSWORD: 'not this' };
        const report = assertRunEnded(await runJob({ ...cluster.env, ...ENV, ...env }), 2, 'failed');
        assert.match(report.error ?? '', /authentication failed, invalid user ID or password/);
        assert.ok(!JSON.stringify(report).includes('not this'), 'the password is in the report');
        assert.deepEqual(await filesBelow(store.path), []);
        await assertUntouched(cluster, traces);
      });
    }

    test('a run that finds another alive leaves everything to it', async () => {
      await using store = await scratchFolder('store');
      await using other = await holdLock(cluster);
      const traces = await tracesOf(cluster);
      const result = await runJob({ ...cluster.env, ...ENV, BACKUP_STORE: `file://${store.path}` });
      assertSteps(assertRunEnded(result, 6, 'busy'), {
        lock: 'refused',
        backup: 'skipped',
        compact: 'skipped',
      });
      assert.deepEqual(await filesBelow(store.path), []);
      await other.end();
      await assertUntouched(cluster, traces, { locked: true });
    });

    test('the run backs up, compacts and defragments, and the backup holds everything', async () => {
      await using store = await scratchFolder('store');
      const content = await readKeys(cluster, REGISTRY);
      const leader = await cluster.leader();
      const { revision } = await leader.status();
      await using job = await startJob({ ...cluster.env, ...ENV, BACKUP_STORE: `file://${store.path}` });
      const result = await job.finished;
      const report = assertRunEnded(result, 0, 'ok');
      assertSteps(report, {
        lock: 'done',
        backup: 'done',
        compact: 'done',
        defragment: 'done',
        disarm: 'skipped',
      });
      assert.deepEqual(report.problems, []);

      // Not all of them: with several etcdctl may show one of them a password's token that another has just made.
      const first = cluster.member(0);
      const target = revision - RETENTION;
      assert.equal(report.compaction?.target, target);
      assert.equal(report.compaction.to, target);
      assert.equal(report.compaction.windowFrom, 'COMPACTION_RETENTION');
      await first.etcdctl('get', 'x', `--rev=${target}`);
      const lost = first.etcdctl('get', 'x', `--rev=${target - 1}`);
      await assert.rejects(lost, /required revision has been compacted/);

      const visited = result.lines
        .filter(({ msg }) => msg === 'member defragmented')
        .map(({ member }) => String(member));
      assert.deepEqual(visited.toSorted(), cluster.members.map(({ name }) => name).toSorted());
      assert.equal(visited.at(-1), leader.name, 'the leader comes last');
      const moved = result.lines.find(({ msg }) => msg === 'leadership moved');
      assert.equal(moved?.from, size === 1 ? undefined : leader.name);
      const leaderNow = await cluster.leader();
      if (size > 1) assert.equal(leaderNow.name, moved?.to);
      assert.equal(leaderNow === leader, size === 1);

      for (const reported of report.members) {
        assert.equal(reported.defragmented, true, reported.reason);
        assert.match(reported.version ?? '', new RegExp(`^${version}\\.`));
        assert.equal(reported.role, reported.name === leader.name ? 'leader' : 'follower');
        const { before: was, after: is } = reported;
        assert.ok(was && is, `the sizes of ${reported.name} are known`);
        assert.ok(was.dbSize > KEYS * VALUE_BYTES * OVERWRITES, `${was.dbSize} bytes before`);
        assert.ok(is.dbSize < was.dbSize * MAX_LEFT, `${is.dbSize} of ${was.dbSize} bytes are left`);
        assert.ok(is.dbSizeInUse <= is.dbSize && is.dbSizeInUse > KEYS * VALUE_BYTES);
        assert.ok((reported.unavailableSeconds ?? 60) < 60, reported.warning);
      }
      for (const { dbSize } of await cluster.status()) {
        assert.ok(dbSize < KEYS * VALUE_BYTES * OVERWRITES * MAX_LEFT, `${dbSize} bytes`);
      }
      assert.ok(report.reclaimedBytes > size * KEYS * VALUE_BYTES);

      const backup = await onlyBackup(store.path);
      assert.equal((await stat(backup.file)).mode & 0o777, 0o600);
      assert.equal(backup.manifest.cluster.name, 'prod');
      if (size > 1) assert.notEqual(backup.manifest.member.id, leader.id, 'a follower serves the snapshot');
      await using restored = await restoreBackup(backup, { version, ...(auth && { auth }) });
      assert.deepEqual(await readKeys(restored, REGISTRY), content);
      assert.deepEqual(await readKeys(cluster, REGISTRY), content);
      assert.equal(await first.etcdctl('get', LOCK_KEY), '', 'the lock is released');
    });
  });
}

const LEASE_SECONDS = 20;
const RENEWAL_MS = 1_500;

/** Holds the lock as a run does that is alive: its lease is renewed. */
async function holdLock(cluster: Cluster): Promise<AsyncDisposable & { end(): Promise<void> }> {
  const first = cluster.member(0);
  const granted = await first.etcdctl('lease', 'grant', String(LEASE_SECONDS));
  const lease = /lease ([0-9a-f]+) granted/.exec(granted)?.[1] ?? assert.fail(granted);
  await first.etcdctl('put', LOCK_KEY, 'the other run', `--lease=${lease}`);
  const ended = new AbortController();
  const renewing = (async () => {
    while (!ended.signal.aborted) {
      await sleep(RENEWAL_MS);
      if (!ended.signal.aborted) await first.etcdctl('lease', 'keep-alive', '--once', lease);
    }
  })();
  renewing.catch(() => undefined); // thrown by `end`
  async function end(): Promise<void> {
    if (ended.signal.aborted) return;
    ended.abort();
    await renewing;
    await first.etcdctl('lease', 'revoke', lease);
  }
  return { end, [Symbol.asyncDispose]: end };
}
