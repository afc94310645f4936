import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill, fillRevisions } from '../support/fill.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { runProgram } from '../support/run-program.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { readKeys, type StoredValue } from '../support/read-keys.ts';
import { decompress } from '../support/restored-cluster.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow, onlyBackup, restoreBackup, type StoredBackup } from '../support/stored-backup.ts';
import { etcdutl } from '../support/tools.ts';

const MIB = 2 ** 20;
const LOCK_KEY = 'etcd-upkeep/lock';
const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };

describe('a backup', () => {
  const proxies: TcpProxy[] = [];
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster({
      size: 3,
      advertise: async ({ clientUrl }) => {
        const proxy = await startTcpProxy(clientUrl);
        proxies.push(proxy);
        return proxy.url;
      },
    });
    await fill(cluster, { keys: 100, valueBytes: 16_384, overwrites: 4 });
    await fill(cluster, { prefix: '/odd key/ü\u0000/', keys: 3, valueBytes: 0 });
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  });

  for (const compression of ['none', 'zstd']) {
    test(`holds what the cluster held, and its manifest tells the truth (${compression})`, async () => {
      await using store = await scratchFolder('store');
      const beforeRun = Date.now();
      const result = await runJob({
        ...cluster.env,
        ...BACKUP_ONLY,
        BACKUP_STORE: `file://${store.path}`,
        BACKUP_COMPRESSION: compression,
        CLUSTER_NAME: 'prod',
        NODE_NAME: 'node-7',
      });
      const report = assertRunEnded(result, 0, 'nothing-needed');
      const backup = await onlyBackup(store.path);
      const decoded = await decodedWithTools(backup);
      await assertTrue(cluster, backup, decoded);
      const { manifest } = backup;
      assert.equal(manifest.node, 'node-7');
      assert.equal(manifest.cluster.name, 'prod');
      assert.equal(manifest.compression, compression);
      assert.deepEqual(manifest.problems, []);
      const times = [beforeRun, Date.parse(manifest.startedAt), Date.parse(manifest.finishedAt), Date.now()];
      assert.deepEqual(
        times.toSorted((a, b) => a - b),
        times,
      );
      assert.equal(report.backup?.name, manifest.name);
      assert.equal(report.backup.revision, manifest.revision);
      assert.equal(report.backup.rawBytes, manifest.raw.size);
      assert.equal(report.backup.storedBytes, manifest.stored.size);

      await using restored = await restoreBackup(backup);
      assert.deepEqual(await userKeys(restored), await userKeys(cluster, manifest.revision));
    });
  }

  test('holds every write up to its revision when writes go on meanwhile, and tells how far it has come', async () => {
    await using store = await scratchFolder('store');
    for (const proxy of proxies) proxy.throttle(3 * MIB);
    await using job = await startJob({
      ...cluster.env,
      ...BACKUP_ONLY,
      BACKUP_STORE: `file://${store.path}`,
    });
    const over = new AbortController();
    const writer = (async () => {
      while (!over.signal.aborted) await fillRevisions(cluster, 50, { prefix: '/registry/busy/', keys: 7 });
    })();
    await waitForTemporaryFile(store.path, 1);
    const atStart = await cluster.member(0).status();
    const result = await job.finished;
    over.abort();
    await writer;
    for (const proxy of proxies) await proxy.reset();
    const report = assertRunEnded(result, 0, 'nothing-needed');
    const backup = await onlyBackup(store.path);
    const { revision } = backup.manifest;
    assert.ok(revision <= atStart.revision, 'the revision is from before the stream');

    await using restored = await restoreBackup(backup);
    const found = await restored.member(0).status();
    assert.ok(found.revision >= revision, `${found.revision} after the restore, ${revision} promised`);
    assert.deepEqual(await userKeys(restored, revision), await userKeys(cluster, revision));

    const told = result.lines.filter(({ msg }) => msg === 'backup progress');
    const seconds = report.backup?.streamSeconds ?? 0;
    assert.ok(seconds > 2, `${seconds} s is too short for this test`);
    assert.ok(told.length >= 2 && told.length <= seconds, `${told.length} lines in ${seconds} s`);
    for (const [index, line] of told.entries()) {
      const last = told[index - 1];
      assert.ok(Number(line.percent) > Number(last?.percent ?? 0) && Number(line.percent) <= 100);
      assert.ok(Number(line.bytes) > Number(last?.bytes ?? 0));
      assert.ok(Number(line.megabytesPerSecond) < 8, JSON.stringify(line));
      if (last) assert.ok(Date.parse(String(line.time)) - Date.parse(String(last.time)) >= 990);
    }
  });
});

test('an empty cluster is backed up, and nothing else needs to be done', async () => {
  await using cluster = await startCluster();
  await using store = await scratchFolder('store');
  const result = await runJob({ ...cluster.env, BACKUP_STORE: `file://${store.path}` });
  const report = assertRunEnded(result, 0, 'nothing-needed');
  assertSteps(report, { backup: 'done', compact: 'skipped', defragment: 'skipped', disarm: 'skipped' });
  const backup = await onlyBackup(store.path);
  await assertTrue(cluster, backup, await decodedWithTools(backup));
  await using restored = await restoreBackup(backup);
  assert.deepEqual(await userKeys(restored), new Map());
});

test('a history of 100,000 revisions is backed up whole and compacted to the default window', async (t) => {
  await using cluster = await startCluster();
  await using store = await scratchFolder('store');
  await fillRevisions(cluster, 100_000);
  const result = await runJob({ ...cluster.env, BACKUP_STORE: `file://${store.path}` });
  const report = assertRunEnded(result, 0, 'ok');
  assertSteps(report, { backup: 'done', compact: 'done' });
  t.diagnostic(`the run took ${report.durationMs} ms, compacting ${report.steps.compact.durationMs} ms`);
  assert.ok(report.durationMs < 60_000);
  const { revision } = (await onlyBackup(store.path)).manifest;
  const target = revision - 10_000;
  assert.ok(Number(report.compaction?.target) <= target && Number(report.compaction?.target) > target - 10);
  assert.equal(report.compaction?.to, report.compaction?.target);
  const at = (rev: number) => cluster.etcdctl('get', '/registry/leases/000001', `--rev=${rev}`);
  assert.match(await at(target + 1), /\d/);
  await assert.rejects(at(target - 10), /required revision has been compacted/);
  await using restored = await restoreBackup(await onlyBackup(store.path));
  assert.deepEqual(await userKeys(restored), await userKeys(cluster));
  assert.match(await restored.etcdctl('get', '/registry/leases/000001', '--rev=5000'), /\d/);
});

test('an operator who confirmed it gets compaction and defragmentation without a backup', async () => {
  await using cluster = await startCluster();
  await using store = await scratchFolder('store');
  await fill(cluster, { keys: 50, valueBytes: 16_384, overwrites: 5 });
  const content = await userKeys(cluster);
  const result = await runJob({
    ...cluster.env,
    BACKUP_STORE: `file://${store.path}/never-made`,
    BACKUP_ENABLED: 'false',
    BACKUP_SKIP_CONFIRMED: 'true',
    COMPACTION_RETENTION: '1',
    DEFRAG_WAIT: '0s',
    DEFRAG_MIN_DB_SIZE: '1Mi',
  });
  const report = assertRunEnded(result, 0, 'ok');
  assertSteps(report, { backup: 'skipped', prune: 'skipped', compact: 'done', defragment: 'done' });
  assert.equal(report.backup, undefined);
  assert.deepEqual(await filesBelow(store.path), []);
  await assert.rejects(stat(`${store.path}/never-made`), /ENOENT/);
  assert.deepEqual(await userKeys(cluster), content);
});

/** Everything but the job's own lock, which hangs on a lease and so is not in a restored cluster. */
async function userKeys(cluster: Cluster, revision?: number): Promise<Map<string, StoredValue>> {
  const all = await readKeys(cluster, '', revision);
  all.delete(LOCK_KEY);
  return all;
}

/** The database file as the tools of etcd and of the system get it out of the store; throws where they refuse it. */
async function decodedWithTools({ file, manifest }: StoredBackup): Promise<string> {
  if (manifest.compression === 'none') return file;
  await runProgram('zstd', ['-tq', file]);
  return decompress(file);
}

/** Compares a manifest with what etcd's own tools, the file and the checksums say. */
async function assertTrue(
  cluster: Cluster,
  { file, manifest }: StoredBackup,
  decoded: string,
): Promise<void> {
  const stored = await readFile(file);
  assert.deepEqual(manifest.stored, { size: stored.length, sha256: sha256(stored) });
  const raw = await readFile(decoded);
  const database = raw.subarray(0, -32);
  assert.deepEqual(manifest.raw, { size: database.length, sha256: sha256(database) });
  assert.equal(raw.subarray(-32).toString('hex'), manifest.raw.sha256);

  const seen = JSON.parse(await runProgram(await etcdutl(), ['snapshot', 'status', decoded, '-w', 'json']));
  assert.ok(
    seen.revision >= manifest.revision,
    `${seen.revision} in the file, ${manifest.revision} promised`,
  );

  const { revision, member } = manifest;
  const counting = ['--from-key', '--count-only', `--rev=${revision}`, '-w', 'fields'];
  const count = /"Count" : (\d+)/.exec(await cluster.etcdctl('get', '', ...counting))?.[1];
  assert.equal(String(manifest.keys), count);
  const source = cluster.members.find(({ id }) => id === member.id);
  assert.ok(source, `${member.id} is no member`);
  assert.equal(member.name, source.name);
  const status = await source.status();
  assert.equal(manifest.cluster.id, status.clusterId);
  assert.equal(manifest.etcdVersion, status.version);
  assert.equal(manifest.raftTerm, status.raftTerm);
  assert.ok(manifest.raftAppliedIndex > 0 && manifest.raftAppliedIndex <= status.raftAppliedIndex);

  const { hashKV } = manifest;
  assert.ok(hashKV, 'the hashes were checked, so one of them is in the manifest');
  assert.ok(hashKV.revision <= revision);
  const answer = await source.etcdctl('endpoint', 'hashkv', `--rev=${hashKV.revision}`, '-w', 'json');
  assert.equal(String(hashKV.hash), /"hash":(\d+)/.exec(answer)?.[1]);
  assert.equal(String(hashKV.compactRevision), /"compact_revision":(-?\d+)/.exec(answer)?.[1]);
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
