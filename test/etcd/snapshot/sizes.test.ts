import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeAnnouncement } from '../../../src/backup/write.ts';
import { headReader } from '../../../src/bolt/file/meta.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { Connection } from '../../../src/etcd/client/connection.ts';
import { openSnapshot } from '../../../src/etcd/snapshot/snapshot.ts';
import { bytesOf } from '../../../src/util/lent.ts';
import { type Cluster, startCluster } from '../../support/etcd-cluster.ts';
import { never } from '../../support/file-store.ts';
import { deleteAll, fill } from '../../support/fill.ts';

const MIB = 2 ** 20;
const TRAILER_BYTES = 32;

/** Takes a snapshot, and compares all that tells its length. */
async function assertSizesFit(cluster: Cluster, state: string): Promise<void> {
  const { etcd } = loadConfig(cluster.env);
  const connection = new Connection(cluster.endpoints, etcd, never());
  try {
    const snapshot = await openSnapshot(connection, await cluster.member(0).status(), never());
    const { announcedBytes, status } = snapshot;
    const head = headReader();
    let came = 0;
    for await (const chunk of snapshot.chunks) {
      head.take(bytesOf(chunk));
      came += chunk.length;
    }
    snapshot.close();
    const sizes = `${state}: ${JSON.stringify({ announcedBytes, came, status, head: head.databaseBytes() })}`;
    assert.equal(came, announcedBytes + TRAILER_BYTES, sizes);
    assert.equal(head.databaseBytes(), announcedBytes, sizes);
    assert.equal(judgeAnnouncement(announcedBytes, status.dbSize), 'fits', sizes);
  } finally {
    connection.close();
  }
}

for (const version of ['3.4', '3.5', '3.6', '3.7'] as const) {
  test(`etcd ${version} announces what comes, and tells of no larger database, in every state`, async () => {
    await using cluster = await startCluster({ version, quotaBytes: 32 * MIB });
    await assertSizesFit(cluster, 'just begun');
    await fill(cluster, { keys: 50, valueBytes: 10_000 });
    await assertSizesFit(cluster, 'grown');

    const over = new AbortController();
    const writer = (async () => {
      while (!over.signal.aborted) await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 2 });
    })();
    for (let round = 0; round < 5; round += 1) await assertSizesFit(cluster, 'while it grows');
    over.abort();
    await writer;

    await deleteAll(cluster);
    await assertSizesFit(cluster, 'after a deletion');
    const { revision } = await cluster.member(0).status();
    await cluster.etcdctl('compact', String(revision), '--physical');
    await assertSizesFit(cluster, 'compacted');
    await cluster.etcdctl('defrag');
    await assertSizesFit(cluster, 'defragmented');

    await assert.rejects(fill(cluster, { keys: 50, valueBytes: 20_000, overwrites: 99 }), /space exceeded/);
    assert.match(await cluster.etcdctl('alarm', 'list'), /NOSPACE/);
    await assertSizesFit(cluster, 'full');
    await cluster.restart(cluster.member(0));
    await assertSizesFit(cluster, 'full, and begun anew');
  });
}
