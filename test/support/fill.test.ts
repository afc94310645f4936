import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { startCluster } from './etcd-cluster.ts';
import { deleteAll, fill, fillRevisions } from './fill.ts';
import { readKeys } from './read-keys.ts';
import { scratchFolder } from './scratch-folder.ts';
import { settledSize } from './settled-size.ts';

test('fills with live keys and history', async () => {
  await using cluster = await startCluster({ tls: true });
  await fill(cluster, { keys: 300, valueBytes: 10_000, overwrites: 3 });
  const all = await readKeys(cluster, '/registry/');
  assert.equal(all.size, 300);
  assert.ok([...all.values()].every(({ version, value }) => version === 4 && value.length === 10_000));
  const size = await settledSize(cluster); // what etcd has not committed yet does not count
  assert.ok(size > 4 * 300 * 10_000, `${size} bytes`);

  await deleteAll(cluster);
  assert.equal((await readKeys(cluster)).size, 0);
});

test('values are as compressible as asked for', async () => {
  await using cluster = await startCluster();
  const ratio = async (prefix: string, compressible: boolean) => {
    await fill(cluster, { prefix, keys: 50, valueBytes: 10_000, compressible });
    const text = [...(await readKeys(cluster, prefix)).values()].map(({ value }) => value).join('');
    return text.length / zstdCompressSync(Buffer.from(text, 'latin1')).length;
  };
  assert.ok((await ratio('/random/', false)) < 1.1);
  const text = await ratio('/text/', true);
  assert.ok(text > 4 && text < 40, `${text}`);
});

test('every small put is a revision, with TLS and a password too', async () => {
  await using cluster = await startCluster({ tls: true, auth: { user: 'root', password: 'pw' } });
  const before = (await cluster.member(0).status()).revision;
  await fillRevisions(cluster, 5000, { keys: 700 });
  assert.equal((await cluster.member(0).status()).revision, before + 5000);
  assert.equal((await readKeys(cluster, '/registry/leases/')).size, 700);
});

test('a put that etcd refuses fails the fill', async () => {
  await using cluster = await startCluster({ quotaBytes: 2 ** 20 });
  await assert.rejects(fill(cluster, { keys: 300, valueBytes: 10_000 }), /space exceeded/);
  await assert.rejects(fillRevisions(cluster, 10), /space exceeded/);
});

test('a scratch folder is gone after its scope', async () => {
  let path = '';
  {
    await using folder = await scratchFolder('test');
    path = folder.path;
    await stat(join(path, '.'));
  }
  await assert.rejects(stat(path), /ENOENT/);
});
