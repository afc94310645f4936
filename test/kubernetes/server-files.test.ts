import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeServerFiles } from '../../src/kubernetes/server-files.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const NAMES = [
  'egress-selector.json',
  'kubeconfig',
  'policy.jsonl',
  'service-account.key',
  'service-account.pub',
  'tokens.csv',
];

test('the files are for their owner alone, whatever was there before, and made anew each time', async () => {
  await using scratch = await scratchFolder('server-files');
  const folder = join(scratch.path, 'apiserver');
  const elsewhere = join(scratch.path, 'elsewhere');
  await mkdir(folder);
  await writeFile(join(folder, 'tokens.csv'), 'old', { mode: 0o644 });
  await writeFile(elsewhere, 'not to be touched');
  await symlink(elsewhere, join(folder, 'kubeconfig'));
  await writeServerFiles(folder, 6443, undefined);
  const first = await readFile(join(folder, 'tokens.csv'), 'utf8');
  assert.match(first, /^[0-9a-f]{64},etcd-upkeep,etcd-upkeep\n$/);
  assert.equal(await readFile(elsewhere, 'utf8'), 'not to be touched');
  assert.deepEqual((await readdir(folder)).toSorted(), NAMES);
  for (const name of NAMES) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);

  await writeServerFiles(folder, 6443, { config: { kind: 'EncryptionConfiguration' }, kms: [] });
  assert.notEqual(await readFile(join(folder, 'tokens.csv'), 'utf8'), first);
  assert.equal(await readFile(join(folder, 'encryption.json'), 'utf8'), '{"kind":"EncryptionConfiguration"}');
});

test('every way out leads to a socket that is not there', async () => {
  await using scratch = await scratchFolder('server-files');
  await writeServerFiles(scratch.path, 6443, undefined);
  const { egressSelections } = JSON.parse(await readFile(join(scratch.path, 'egress-selector.json'), 'utf8'));
  for (const { connection } of egressSelections) {
    await assert.rejects(stat(connection.transport.uds.udsName), { code: 'ENOENT' });
  }
  assert.deepEqual(
    egressSelections.map(({ name }: { name: string }) => name),
    ['cluster', 'controlplane'],
  );
});
