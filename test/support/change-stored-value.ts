import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Member } from './etcd-member.ts';

/**
 * Changes a stored value of one member behind etcd's back, as a bug or a bad disk would: the member stops, the value
 * is overwritten in its database file (bbolt has no checksums over its data) and the member starts again.
 */
export async function changeStoredValue(member: Member, from: string, to: string): Promise<void> {
  assert.equal(Buffer.byteLength(to), Buffer.byteLength(from), 'the file keeps its size');
  await member.stop();
  const path = join(member.dataDir, 'member/snap/db');
  const file = await readFile(path);
  let found = 0;
  for (let at = file.indexOf(from); at >= 0; at = file.indexOf(from, at + from.length)) {
    file.write(to, at);
    found += 1;
  }
  assert.ok(found > 0, `${path} does not hold the value`);
  await writeFile(path, file);
  await member.start();
}
