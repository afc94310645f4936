import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createZstdCompress } from 'node:zlib';
import { formatManifest } from '../../src/backup/manifest.ts';
import { agreeingWith, sampleManifest } from '../backup/sample.ts';
import { mountTmpfs } from '../support/mount-tmpfs.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { assertCommandRefused, jsonOf } from './run-command.ts';

const MIB = 2 ** 20;
const NAME = '20261101T000000Z-1.db.zst';

test('a bomb of some KiB neither fills the disk nor leaves anything there', async () => {
  await using scratch = await scratchFolder('store');
  const folder = join(scratch.path, 'prod');
  await mkdir(folder);
  const bomb = await zeros(1024 * MIB);
  assert.ok(bomb.length < 128 * 1024, `${bomb.length} bytes`);
  await writeFile(join(folder, NAME), bomb);
  const manifestWith = (rawBytes: number): Promise<void> => {
    const stored = { size: bomb.length, sha256: 'b'.repeat(64) };
    const raw = { size: rawBytes, sha256: 'a'.repeat(64) };
    const manifest = sampleManifest({ ...agreeingWith(NAME), raw, stored });
    return writeFile(join(folder, `${NAME}.json`), formatManifest(manifest));
  };
  const env = { BACKUP_STORE: `file://${scratch.path}` };
  await using mount = await mountTmpfs(join(scratch.path, 'out'), 'size=64m');
  const args = ['fetch', NAME, join(mount.path, 'snapshot.db')];

  await manifestWith(20_480);
  const words = /cannot be used, so nothing was written: the snapshot in it is .*more than 20512 bytes/;
  await assertCommandRefused(args, { ...env, CLUSTER_NAME: 'prod' }, 4, words);
  const { backups } = await jsonOf(['verify', 'all'], { ...env, CLUSTER_NAME: 'prod' }, 4);
  assert.match(backups[0].problem, /more than 20512 bytes/);

  await manifestWith(Number.MAX_SAFE_INTEGER);
  await assertCommandRefused(
    args,
    { ...env, CLUSTER_NAME: 'prod' },
    4,
    /bytes free and the snapshot needs 9\d+: make room/,
  );
  assert.deepEqual(await readdir(mount.path), []);
});

async function zeros(bytes: number): Promise<Buffer> {
  const stream = createZstdCompress();
  const piece = Buffer.alloc(MIB);
  const pieces: Buffer[] = [];
  stream.on('data', (data: Buffer) => void pieces.push(data));
  for (let left = bytes; left > 0; left -= MIB)
    if (!stream.write(piece)) await new Promise((resolve) => void stream.once('drain', resolve));
  stream.end();
  await new Promise((resolve) => void stream.once('end', resolve));
  return Buffer.concat(pieces);
}
