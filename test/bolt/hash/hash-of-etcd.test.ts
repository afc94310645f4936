import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TRAILER_BYTES } from '../../../src/backup/proof.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { Connection } from '../../../src/etcd/client/connection.ts';
import { hashKV } from '../../../src/etcd/client/maintenance.ts';
import { toEtcdError } from '../../../src/etcd/errors.ts';
import type { HashKV } from '../../../src/etcd/types.ts';
import { withChecksum } from '../../support/bolt-file.ts';
import { walkDatabase, type WalkedDatabase } from '../../support/bolt-walk.ts';
import { type Cluster, startCluster } from '../../support/etcd-cluster.ts';
import { hashOf, hashOfStream } from '../../support/file-hash.ts';
import { compact, deleteEverything, writeHistory } from '../../support/history.ts';
import { plainEnv, runProgram } from '../../support/run-program.ts';
import { seeded } from '../../support/random.ts';
import { etcdutl } from '../../support/tools.ts';

const TIMEOUT_MS = 60_000;
const SNAPSHOT = 'snapshot.db';
/** No part of a page, so that leaves lie in two pieces. */
const PIECE_BYTES = 5000;

function connect(cluster: Cluster): Connection & Disposable {
  const settings = loadConfig({ ETCDCTL_ENDPOINTS: cluster.endpoints }).etcd;
  const connection = new Connection(cluster.member(0).clientUrl, settings, new AbortController().signal);
  return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
}

interface Snapshot extends WalkedDatabase {
  file: Buffer;
}

async function snapshotOf(cluster: Cluster): Promise<Snapshot> {
  const path = join(cluster.folder, SNAPSHOT);
  await cluster.etcdctl('snapshot', 'save', path);
  const file = (await readFile(path)).subarray(0, -TRAILER_BYTES);
  return { file, ...walkDatabase(file) };
}

/** What the member says, unless that is of another time: of the compaction itself, or nothing. */
async function saidAt(
  connection: Connection,
  revision: number,
  compactRevision: number,
): Promise<HashKV | undefined> {
  try {
    const said = await hashKV(connection, revision, TIMEOUT_MS);
    if (said.compactRevision === compactRevision) return said;
  } catch (error) {
    assert.equal(toEtcdError(error).code, 'compacted'); // etcd 3.4 at its compact revision
  }
  assert.equal(revision, compactRevision);
  return undefined;
}

/** Compares at so many of the revisions that the member still knows, the first and the last of them in any case. */
async function compare(connection: Connection, database: Snapshot, most = 40): Promise<number> {
  const { scheduledCompactRevision: compactRevision, revision: last, leaves } = database;
  const random = seeded(last).next;
  const first = Math.max(1, compactRevision);
  const step = Math.max(1, Math.floor((last - first) / most));
  let compared = 0;
  for (let revision = last; revision >= first; revision -= revision === first + 1 ? 1 : step) {
    const said = await saidAt(connection, revision, compactRevision);
    const ranks = [...leaves.keys()].toSorted(() => random() - 0.5);
    const at = { revision, compactRevision };
    const computed = hashOf(database, at, ranks);
    if (revision === last)
      assert.deepEqual(hashOfStream(database.file, at, PIECE_BYTES), computed, 'as it streams by');
    if (said === undefined || (computed.kind === 'not-computed' && computed.why === 'no-keys')) continue;
    assert.deepEqual(computed, { kind: 'computed', ...said }, `at revision ${revision}`);
    compared += 1;
  }
  return compared;
}

for (const version of ['3.4', '3.5', '3.6', '3.7'] as const) {
  test(`the hash of a snapshot is what etcd ${version} says of itself`, async () => {
    await using cluster = await startCluster({ version });
    using connection = connect(cluster);
    assert.equal(await compare(connection, await snapshotOf(cluster)), 1, 'before anything was written');

    await writeHistory(connection, seeded(1).next, { writes: 40, compactions: false });
    await deleteEverything(connection);
    const uncompacted = await snapshotOf(cluster);
    assert.equal(uncompacted.finishedCompactRevision, -1);
    assert.ok((await compare(connection, uncompacted)) >= 20, 'before the first compaction');

    for (let seed = 2; seed <= 4; seed += 1) {
      await writeHistory(connection, seeded(seed).next, { writes: 200, compactions: true });
      const database = await snapshotOf(cluster);
      assert.ok(database.leaves.length > 1);
      assert.ok((await compare(connection, database)) > 0, `seed ${seed}`);
    }

    const { deletedAt } = await writeHistory(connection, seeded(5).next, { writes: 60, compactions: false });
    assert.ok(deletedAt > 0);
    await compact(connection, deletedAt);
    await writeHistory(connection, seeded(6).next, { writes: 30, compactions: false });
    assert.ok((await compare(connection, await snapshotOf(cluster))) >= 20, 'compacted at a deletion');

    await compact(connection, await deleteEverything(connection));
    const empty = await snapshotOf(cluster);
    const at = { revision: empty.revision, compactRevision: empty.finishedCompactRevision };
    assert.deepEqual(hashOf(empty, at), { kind: 'not-computed', why: 'no-keys' });
  });
}

test('it is the same while a compaction is under way', async () => {
  const slow = ['--compaction-batch-limit=150', '--compaction-sleep-interval=1500ms'];
  await using cluster = await startCluster({ extraArgs: slow });
  using connection = connect(cluster);
  const { revision } = await writeHistory(connection, seeded(7).next, { writes: 300, compactions: false });
  await compact(connection, revision - 30, false);
  const early = await snapshotOf(cluster);
  assert.notEqual(early.scheduledCompactRevision, early.finishedCompactRevision);
  assert.ok((await compare(connection, early)) >= 20);
  await compact(connection, revision - 30);
  const late = await snapshotOf(cluster);
  assert.equal(late.scheduledCompactRevision, late.finishedCompactRevision);
  assert.ok(late.entries < early.entries);
  const at = { revision, compactRevision: revision - 30 };
  assert.deepEqual(hashOf(early, at), hashOf(late, at));
});

test('it is that of a member which was restored with a higher revision', async () => {
  await using cluster = await startCluster();
  using connection = connect(cluster);
  await writeHistory(connection, seeded(8).next, { writes: 200, compactions: true });
  await snapshotOf(cluster);
  const folder = join(cluster.folder, 'restored');
  const higher = ['--bump-revision', '1000', '--mark-compacted', '--data-dir', folder];
  const args = ['snapshot', 'restore', join(cluster.folder, SNAPSHOT), ...higher];
  await runProgram(await etcdutl(), args, { env: plainEnv() });
  const restored = join(cluster.folder, 'restored.db');
  await writeFile(restored, withChecksum(await readFile(join(folder, 'member/snap/db'))));
  await using again = await startCluster({ snapshot: restored });
  using other = connect(again);
  await writeHistory(other, seeded(9).next, { writes: 40, compactions: false });
  const database = await snapshotOf(again);
  assert.ok(database.scheduledCompactRevision > 1000);
  assert.ok((await compare(other, database)) >= 20);
});

test('etcd tells of an older compact revision where it is asked at the revision that it compacted at', async () => {
  await using cluster = await startCluster();
  using connection = connect(cluster);
  const { revision } = await writeHistory(connection, seeded(10).next, { writes: 20, compactions: false });
  await compact(connection, revision - 5);
  await compact(connection, revision);
  const said = await hashKV(connection, revision, TIMEOUT_MS);
  assert.deepEqual(said, { ...said, revision, compactRevision: revision - 5 });
});
