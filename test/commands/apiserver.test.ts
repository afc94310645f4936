import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../support/scratch-folder.ts';
import { assertCommandRefused } from './run-command.ts';

test('an EncryptionConfiguration that cannot be used is told with what is wrong, and no word of it', async () => {
  await using scratch = await scratchFolder('apiserver');
  const file = join(scratch.path, 'enc.yaml');
  const args = ['apiserver', scratch.path, '--encryption-provider-config', file];
  await assertCommandRefused(args, {}, 2, /enc\.yaml cannot be used: it should be a file, but there is none/);
  await writeFile(file, 'kind: Secret');
  await assertCommandRefused(
    args,
    {},
    2,
    /it is no EncryptionConfiguration with resources; it should be what the cluster/,
  );
});

test('a folder that is not there is told', async () => {
  await using scratch = await scratchFolder('apiserver');
  await assertCommandRefused(
    ['apiserver', join(scratch.path, 'none')],
    {},
    2,
    /cannot be written to \S+none: ENOENT/,
  );
});
