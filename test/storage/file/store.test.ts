import assert from 'node:assert/strict';
import { lstat, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { proveText } from '../../../src/storage/text.ts';
import { assertNothingOpenBelow, newStore, openBelow, readyStore } from './place.ts';
import { collect, MIB, NAME, refusedAs } from '../../support/file-store.ts';

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

describe('a file', () => {
  test('is read back from the store: what was changed there is seen', async () => {
    await using place = await readyStore();
    const pending = await place.store.create(NAME);
    await pending.write(Buffer.from('what was written'));
    await pending.flush();
    const [temporary = ''] = await readdir(place.folder);
    await writeFile(join(place.folder, temporary), 'what rotted');
    assert.equal((await collect(pending.read())).toString(), 'what rotted');
    await pending.discard();
    assert.deepEqual(await readdir(place.folder), []);
  });

  test('that is a small text is read back before it is published', async () => {
    await using place = await readyStore();
    const pending = await place.store.create('text');
    await pending.write(Buffer.from('written'));
    await proveText(pending, 'written', '/text');
    const [temporary = ''] = await readdir(place.folder);
    await writeFile(join(place.folder, temporary), 'rotten!');
    await assert.rejects(
      proveText(pending, 'written', '/text'),
      refusedAs('damaged', /\/text reads back differently/, /cannot be trusted/),
    );
    await pending.discard();
  });

  test('is not read back through a link that was put in its place', async () => {
    await using place = await readyStore();
    const pending = await place.store.create(NAME);
    const [temporary = ''] = await readdir(place.folder);
    await writeFile(join(place.directory, 'other'), 'of another');
    await pending.discard();
    await symlink(join(place.directory, 'other'), join(place.folder, temporary));
    await assert.rejects(
      collect(pending.read()),
      refusedAs('not-a-file', /could not read .*: it is a symbolic link/),
    );
  });

  test('has mode 0600 and its folder 0700, whatever the umask', async () => {
    for (const umask of [0o000, 0o022, 0o777]) {
      await using place = await newStore('made');
      const before = process.umask(umask);
      try {
        await place.store.prepare();
        const pending = await place.store.create(NAME);
        await pending.publish();
        await place.store.writeText('text', 'text');
      } finally {
        process.umask(before);
      }
      assert.equal(await modeOf(place.directory), 0o700);
      assert.equal(await modeOf(place.folder), 0o700);
      assert.equal(await modeOf(join(place.folder, NAME)), 0o600);
      assert.equal(await modeOf(join(place.folder, 'text')), 0o600);
    }
  });

  test('never replaces a link either, nor what it points to', async () => {
    await using place = await readyStore();
    await symlink(join(place.directory, 'elsewhere'), join(place.folder, NAME));
    const pending = await place.store.create(NAME);
    await pending.write(Buffer.from('bytes'));
    await assert.rejects(pending.publish(), refusedAs('taken', /the name is taken/));
    await pending.discard();
    assert.ok((await lstat(join(place.folder, NAME))).isSymbolicLink());
    assert.deepEqual(await readdir(place.directory), ['prod']);
  });

  test('discard does not mind that somebody removed the files, or the whole folder', async () => {
    await using place = await readyStore();
    const pending = await place.store.create(NAME);
    await rm(place.folder, { recursive: true });
    await pending.discard();
    assert.deepEqual(await place.store.list(), []);
  });

  test('leaves no descriptor open, also when a reader was left half-way', async () => {
    await using place = await readyStore();
    // Node closes what was forgotten when it collects garbage, and says so: that would hide the mistake here.
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const pending = await place.store.create(NAME);
    for (let count = 0; count < 4; count += 1) await pending.write(Buffer.alloc(MIB));
    const abandoned = pending.read();
    await abandoned[Symbol.asyncIterator]().next();
    pending.read(); // never started
    assert.equal((await openBelow(place.folder)).length, 2);
    await pending.discard();
    await assertNothingOpenBelow(place.folder);

    await place.store.writeText('text', 'text');
    await assert.rejects(place.store.writeText('text', 'again'));
    await place.store.readText('text');
    const published = await place.store.create(NAME);
    await collect(published.read());
    await published.publish();
    await assertNothingOpenBelow(place.folder);
    assert.deepEqual(warnings, []);
  });
});
