import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { startCluster } from './etcd-cluster.ts';
import { fill, fillRevisions } from './fill.ts';
import { readKeys } from './read-keys.ts';
import { decompress, restoreSnapshot } from './restored-cluster.ts';

const auth = { user: 'root', password: 'pw' };

for (const version of ['3.4', '3.5', '3.6', '3.7'] as const) {
  test(`a snapshot of etcd ${version} comes back as it was, its password too`, async () => {
    await using cluster = await startCluster({ version, auth });
    await fill(cluster, { keys: 200, valueBytes: 5000, overwrites: 1 });
    await fillRevisions(cluster, 500);
    const file = join(cluster.folder, 'snapshot.db');
    await cluster.etcdctl('snapshot', 'save', file);
    await using restored = await restoreSnapshot(file, { version, auth });
    assert.deepEqual(await readKeys(restored), await readKeys(cluster));
  });
}

test('a snapshot is restored into three members, and a damaged one is refused', async () => {
  await using cluster = await startCluster();
  await fill(cluster, { keys: 50, valueBytes: 5000 });
  const file = join(cluster.folder, 'snapshot.db');
  await cluster.etcdctl('snapshot', 'save', file);
  const bytes = await readFile(file);
  await writeFile(`${file}.zst`, zstdCompressSync(bytes));
  const unpacked = await decompress(`${file}.zst`);
  assert.ok((await readFile(unpacked)).equals(bytes));

  await using restored = await restoreSnapshot(unpacked, { size: 3, tls: true });
  assert.deepEqual(await readKeys(restored), await readKeys(cluster));

  bytes.writeUInt8(bytes.readUInt8(bytes.length / 2) ^ 1, bytes.length / 2);
  await writeFile(file, bytes);
  await assert.rejects(restoreSnapshot(file), /sha256/);
});
