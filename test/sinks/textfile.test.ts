import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { messageOf } from '../../src/errors.ts';
import { writeTextfile } from '../../src/sinks/textfile.ts';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/** What it says, undefined where it wrote the file. */
const write = (path: string): Promise<string | undefined> =>
  writeTextfile(path, new Registry(), AbortSignal.timeout(4_000)).then(() => undefined, messageOf);

describe('a file for metrics where something else is', { timeout: 20_000 }, () => {
  test('is neither waited for nor replaced, but told', async () => {
    await using folder = await scratchFolder('textfile');
    const at = (name: string): string => join(folder.path, name);
    await runProgram('mkfifo', [at('pipe.prom')]);
    await symlink(at('pipe.prom'), at('link-to-pipe.prom'));
    await symlink('/dev/zero', at('device.prom'));
    await mkdir(at('folder.prom'));
    for (const [name, reason] of [
      ['pipe.prom', /is a pipe, not a regular file/],
      ['link-to-pipe.prom', /is a pipe/],
      ['device.prom', /is a device/],
      ['folder.prom', /is a folder/],
    ] as const) {
      assert.match((await write(at(name))) ?? 'it was written', reason, name);
    }
    assert.ok((await stat(at('pipe.prom'))).isFIFO());
    assert.equal((await readdir(folder.path)).length, 4, 'nothing temporary is left');
  });

  test('is not read where it is huge', async () => {
    await using folder = await scratchFolder('textfile');
    const path = join(folder.path, 'huge.prom');
    await writeFile(path, '');
    await truncate(path, 2 ** 40);
    assert.match((await write(path)) ?? '', /more than 8388608 bytes, which no run wrote: move it away/);
    assert.equal((await stat(path)).size, 2 ** 40);
  });

  test('is written through no link, and over one', async () => {
    await using folder = await scratchFolder('textfile');
    const [path, other] = [join(folder.path, 'link.prom'), join(folder.path, 'other')];
    await writeFile(other, 'of somebody else');
    await symlink(other, path);
    assert.equal(await write(path), undefined);
    assert.equal(await readFile(other, 'utf8'), 'of somebody else');
  });
});
