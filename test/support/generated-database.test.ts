import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedDatabase } from './generated-database.ts';
import { runProgram } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { etcdutl } from './tools.ts';

const BYTES = 10 * 2 ** 20;
const KEYS = 1000;

test('a generated database is one to etcd', async () => {
  await using folder = await scratchFolder('generated');
  const database = generatedDatabase(BYTES, KEYS);
  const file = join(folder.path, 'generated.db');
  const hash = createHash('sha256');
  {
    await using handle = await open(file, 'wx');
    for (const chunk of database.chunks()) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.writeFile(hash.digest());
  }
  const status = await runProgram(await etcdutl(), ['snapshot', 'status', file, '-w', 'json']);
  const { revision, totalKey, totalSize, version } = JSON.parse(status);
  assert.deepEqual(
    { revision, totalKey, totalSize, version },
    { revision: database.revision, totalKey: KEYS, totalSize: database.bytes, version: '3.6.0' },
  );
  assert.ok(database.bytes >= BYTES && database.revisions > KEYS);
});
