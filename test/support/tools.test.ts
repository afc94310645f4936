import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UNIT_RUN } from './more-than-node.ts';
import { runProgram } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { etcdBinary, etcdctl, etcdutl } from './tools.ts';

test('the tools are of the wanted versions', async () => {
  for (const version of ['3.4', '3.5', '3.6', '3.7'] as const) {
    assert.match(
      await runProgram(await etcdBinary(version), ['--version']),
      new RegExp(`etcd Version: ${version}\\.`),
    );
  }
  assert.match(await runProgram(await etcdctl(), ['version']), /etcdctl version: 3\.6\./);
  assert.match(await runProgram(await etcdutl('3.7'), ['version']), /etcdutl version: 3\.7\./);
});

test('a variable or the PATH names a tool; a wrong version is refused in the variable and ignored on the PATH', async () => {
  await using folder = await scratchFolder('tools');
  const fake = async (version: string) => {
    const path = join(folder.path, 'etcd');
    await writeFile(path, `#!/bin/sh\necho "etcd Version: ${version}"\n`);
    await chmod(path, 0o755);
    return path;
  };
  const module = fileURLToPath(new URL('tools.ts', import.meta.url));
  const ask = (env: Record<string, string>) =>
    runProgram(
      process.execPath,
      ['--input-type=module', '-e', `console.log(await (await import('${module}')).etcdBinary('3.6'))`],
      { env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env } },
    );
  const withPath = { PATH: `${folder.path}:${process.env.PATH}` };

  const path = await fake('3.6.99');
  assert.equal(await ask({ ETCD_3_6_BIN: path }), `${path}\n`);
  assert.equal(await ask(withPath), 'etcd\n');
  await fake('3.5.99');
  await assert.rejects(ask({ ETCD_3_6_BIN: path }), /ETCD_3_6_BIN=.* is 3\.5\.99, wanted is etcd 3\.6/);
  assert.match(await ask(withPath), /tools\/etcd-3\.6\n$/);
});

test('a unit test gets no tool, found or built', async () => {
  const module = fileURLToPath(new URL('tools.ts', import.meta.url));
  const script = `await (await import('${module}')).etcdBinary('3.6')`;
  const env = { PATH: process.env.PATH ?? '', [UNIT_RUN]: 'true' };
  await assert.rejects(
    runProgram(process.execPath, ['--input-type=module', '-e', script], { env }),
    /etcd is more than Node: no unit test may need it/,
  );
});
