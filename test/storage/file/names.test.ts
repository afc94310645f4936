import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProgram } from '../../support/run-program.ts';
import { readyStore } from './place.ts';
import { collect, failsWith, fileStore, NAME } from '../../support/file-store.ts';

const HOUR_MS = 60 * 60 * 1000;
const anyName = (): boolean => true;

describe('listing, reading and removing', () => {
  test('only regular files are listed, sorted by name', async () => {
    await using place = await readyStore();
    await place.store.writeText('b', 'four');
    await place.store.writeText('a', '');
    await symlink(join(place.folder, 'a'), join(place.folder, 'link'));
    await symlink('/etc', join(place.folder, 'folder-link'));
    await mkdir(join(place.folder, 'folder'));
    await runProgram('mkfifo', [join(place.folder, 'pipe')]);
    const files = await place.store.list();
    assert.deepEqual(
      files.map(({ name, size }) => ({ name, size })),
      [
        { name: 'a', size: 0 },
        { name: 'b', size: 4 },
      ],
    );
  });

  test('a link is neither read nor removed, and what it points to stays as it is', async () => {
    await using place = await readyStore();
    const target = join(place.directory, 'target');
    await writeFile(target, 'of another');
    await symlink(target, join(place.folder, NAME));
    await assert.rejects(place.store.readText(NAME), failsWith(/it is a symbolic link/));
    await assert.rejects(place.store.remove(NAME), failsWith(/was not removed: it is not a regular file/));
    assert.equal(await readFile(target, 'utf8'), 'of another');
    assert.deepEqual(await readdir(place.folder), [NAME]);
  });

  test('a folder or a pipe in the place of a file is refused, and does not hang', async () => {
    await using place = await readyStore();
    await mkdir(join(place.folder, 'folder'));
    await runProgram('mkfifo', [join(place.folder, 'pipe')]);
    for (const name of ['folder', 'pipe']) {
      await assert.rejects(place.store.readText(name), failsWith(/is not a regular file/));
      await assert.rejects(place.store.remove(name), failsWith(/is not a regular file/));
    }
  });

  test('a text that is too large for a manifest is not read', async () => {
    await using place = await readyStore();
    await place.store.writeText('large', '');
    await truncate(join(place.folder, 'large'), 2 ** 20);
    assert.equal((await place.store.readText('large'))?.length, 2 ** 20);
    await truncate(join(place.folder, 'large'), 2 ** 20 + 1);
    await assert.rejects(place.store.readText('large'), failsWith(/too large for a manifest/));
  });

  test('odd characters in names and folders are only characters', async () => {
    const odd = [
      'with blank',
      '100%25',
      'ünïcödé 名前 😀',
      '*?[a]',
      '$(id);`id`',
      '-rf',
      'line\nfeed',
      '"\'\\',
      '..a',
    ];
    for (const name of odd) {
      await using place = await readyStore(name);
      const store = fileStore({ directory: place.directory, cluster: name });
      await store.prepare();
      await store.writeText(name, name);
      const pending = await store.create(`${name}.db`);
      await pending.write(Buffer.from(name));
      assert.equal((await collect(pending.read())).toString(), name);
      await pending.publish();
      assert.deepEqual(
        (await store.list()).map((file) => file.name),
        [name, `${name}.db`].toSorted(),
      );
      assert.equal(await store.readText(name), name);
      assert.deepEqual((await readdir(join(place.directory, name))).length, 2);
    }
  });

  test('a name that is not UTF-8 is passed over', async () => {
    await using place = await readyStore();
    await place.store.writeText('good', 'text');
    await writeFile(Buffer.concat([Buffer.from(`${place.folder}/`), Buffer.from([0xff, 0xfe])]), 'odd');
    assert.deepEqual(
      (await place.store.list()).map(({ name }) => name),
      ['good'],
    );
  });

  test('where no backup was ever made there is nothing, and nothing is made', async () => {
    await using place = await readyStore();
    const store = fileStore({ directory: join(place.directory, 'missing'), cluster: 'prod' });
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.readText(NAME), undefined);
    assert.deepEqual(await store.removeLeftovers(0, anyName), []);
    await store.remove(NAME);
    assert.deepEqual(await readdir(place.directory), ['prod']);
  });
});

describe('a link or a file in the place of the folder', () => {
  test('a link is refused by every operation, and what is behind it is left alone', async () => {
    await using place = await readyStore();
    await place.store.writeText(NAME, 'of another');
    await rename(place.folder, join(place.directory, 'elsewhere'));
    await symlink('elsewhere', place.folder);
    const refused = failsWith(/\/prod is a symbolic link/, /remove the link/);
    await assert.rejects(place.store.prepare(), refused);
    await assert.rejects(place.store.create('new'), refused);
    await assert.rejects(place.store.writeText('new', 'text'), refused);
    await assert.rejects(place.store.list(), refused);
    await assert.rejects(place.store.readText(NAME), refused);
    await assert.rejects(place.store.remove(NAME), refused);
    await assert.rejects(place.store.removeLeftovers(0, anyName), refused);
    await assert.rejects(place.store.freeBytes(), refused);
    assert.deepEqual(await readdir(join(place.directory, 'elsewhere')), [NAME]);
  });

  test('a link into nowhere is refused too', async () => {
    await using place = await readyStore();
    await rm(place.folder, { recursive: true });
    await symlink('nowhere', place.folder);
    await assert.rejects(place.store.prepare(), failsWith(/is a symbolic link/));
    assert.deepEqual(await readdir(place.directory), ['prod']);
  });

  test('the root itself may be a link', async () => {
    await using place = await readyStore();
    await mkdir(join(place.directory, 'volume'));
    await symlink('volume', join(place.directory, 'backups'));
    const store = fileStore({ directory: join(place.directory, 'backups'), cluster: 'prod' });
    await store.prepare();
    await store.writeText(NAME, 'text');
    assert.deepEqual(await readdir(join(place.directory, 'volume', 'prod')), [NAME]);
  });
});

/** A run that is killed while it writes. */
async function killedRun(directory: string): Promise<void> {
  const file = new URL('../../../src/storage/file/store.ts', import.meta.url).href;
  const script = `
    const { FileStore } = await import(${JSON.stringify(file)});
    const { signal } = new AbortController();
    const store = new FileStore({ directory: ${JSON.stringify(directory)}, cluster: 'prod', signal });
    const pending = await store.create('${NAME}');
    await pending.write(Buffer.from('half'));
    process.kill(process.pid, 'SIGKILL');`;
  await assert.rejects(runProgram(process.execPath, ['--input-type=module', '-e', script]), /SIGKILL/);
}

const storeAt = (directory: string, offsetMs: number) =>
  fileStore({ directory, cluster: 'prod', now: () => Date.now() + offsetMs });

describe('temporary files of dead runs', () => {
  test('are not listed, and are removed once they are old enough', async () => {
    await using place = await readyStore();
    await killedRun(place.directory);
    const [leftover = ''] = await readdir(place.folder);
    assert.match(leftover, /^\.20260305T021500Z-4711\.db\.zst\.etcd-upkeep-[0-9a-f]{16}\.part$/);
    assert.deepEqual(await place.store.list(), []);
    assert.deepEqual(await place.store.removeLeftovers(HOUR_MS, anyName), []);
    assert.deepEqual(
      await storeAt(place.directory, -24 * HOUR_MS).removeLeftovers(HOUR_MS, anyName),
      [],
      'a clock that is behind',
    );
    assert.deepEqual(await readdir(place.folder), [leftover]);
    assert.deepEqual(await storeAt(place.directory, 2 * HOUR_MS).removeLeftovers(HOUR_MS, anyName), [
      leftover,
    ]);
    assert.deepEqual(await readdir(place.folder), []);
  });

  test('are the only thing that is removed: not by a similar name, and no link or folder', async () => {
    await using place = await readyStore();
    const hex = '0123456789abcdef';
    const similar = [
      NAME,
      `${NAME}.json`,
      `.${NAME}.part`,
      `.${NAME}.${hex}.part`,
      `${NAME}.etcd-upkeep-${hex}.part`,
      `.${NAME}.etcd-upkeep-${hex}.part.txt`,
      `.${NAME}.etcd-upkeep-${hex.toUpperCase()}.part`,
      `.${NAME}.etcd-upkeep-${hex}0.part`,
      `.${NAME}.etcd-upkeep-.part`,
      `..etcd-upkeep-${hex}.part`,
    ];
    for (const name of similar) {
      await writeFile(join(place.folder, name), 'of another');
      await utimes(join(place.folder, name), 0, 0);
    }
    await writeFile(join(place.directory, 'target'), 'of another');
    await symlink('../target', join(place.folder, `.link.etcd-upkeep-${hex}.part`));
    await mkdir(join(place.folder, `.folder.etcd-upkeep-${hex}.part`));
    const before = await readdir(place.folder);
    assert.deepEqual(await storeAt(place.directory, 2 * HOUR_MS).removeLeftovers(HOUR_MS, anyName), []);
    assert.deepEqual(await readdir(place.folder), before);
    assert.equal(await readFile(join(place.directory, 'target'), 'utf8'), 'of another');
  });

  test('two runs that clear up at the same time do not disturb each other', async () => {
    await using place = await readyStore();
    for (let count = 0; count < 20; count += 1) {
      const path = join(place.folder, `.x.etcd-upkeep-${String(count).padStart(16, '0')}.part`);
      await writeFile(path, '');
      await utimes(path, 0, 0);
    }
    await Promise.all([
      place.store.removeLeftovers(HOUR_MS, anyName),
      place.store.removeLeftovers(HOUR_MS, anyName),
    ]);
    assert.deepEqual(await readdir(place.folder), []);
  });
});
