import assert from 'node:assert/strict';
import { lstat, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { proveText } from '../../../src/storage/file/pending.ts';
import {
  assertNothingOpenBelow,
  collect,
  failsWith,
  MIB,
  NAME,
  newStore,
  openBelow,
  readyStore,
} from './place.ts';

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

describe('a file', () => {
  test('appears under its name only when it is published, with all its bytes', async () => {
    await using place = await readyStore();
    const chunk = Buffer.alloc(MIB, 'etcd');
    const pending = await place.store.create(NAME);
    for (let count = 0; count < 3; count += 1) await pending.write(chunk);
    await pending.flush();
    assert.deepEqual(await place.store.list(), []);
    assert.ok((await collect(pending.read())).equals(Buffer.concat([chunk, chunk, chunk])));
    await pending.publish();
    assert.deepEqual(await readdir(place.folder), [NAME]);
    assert.ok((await readFile(join(place.folder, NAME))).equals(Buffer.concat([chunk, chunk, chunk])));
    const [file] = await place.store.list();
    assert.equal(file?.size, 3 * MIB);
    assert.ok(Math.abs(Date.now() - (file?.modifiedAt.getTime() ?? 0)) < 60_000);
  });

  test('may be empty', async () => {
    await using place = await readyStore();
    const pending = await place.store.create(NAME);
    await pending.write(new Uint8Array());
    assert.equal((await collect(pending.read())).length, 0);
    await pending.publish();
    assert.equal((await stat(join(place.folder, NAME))).size, 0);
  });

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
      failsWith(/\/text reads back differently/, /nothing was backed up/, /cannot be trusted/),
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
      failsWith(/could not read .*: it is a symbolic link/, /nothing was backed up/),
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

  test('never replaces another: the first keeps its name and its bytes', async () => {
    await using place = await readyStore();
    const [first, second] = [await place.store.create(NAME), await place.store.create(NAME)];
    await first.write(Buffer.from('first'));
    await second.write(Buffer.from('second'));
    await first.publish();
    await assert.rejects(second.publish(), failsWith(/the name is taken/, /nothing was backed up/));
    await second.discard();
    assert.deepEqual(await readdir(place.folder), [NAME]);
    assert.equal(await place.store.readText(NAME), 'first');
  });

  test('never replaces a link either, nor what it points to', async () => {
    await using place = await readyStore();
    await symlink(join(place.directory, 'elsewhere'), join(place.folder, NAME));
    const pending = await place.store.create(NAME);
    await pending.write(Buffer.from('bytes'));
    await assert.rejects(pending.publish(), failsWith(/the name is taken/));
    await pending.discard();
    assert.ok((await lstat(join(place.folder, NAME))).isSymbolicLink());
    assert.deepEqual(await readdir(place.directory), ['prod']);
  });

  test('is gone after discard, before and after it was published, however often', async () => {
    await using place = await readyStore();
    for (const publish of [false, true]) {
      const pending = await place.store.create(NAME);
      await pending.write(Buffer.from('bytes'));
      if (publish) await pending.publish();
      await pending.discard();
      await pending.discard();
      assert.deepEqual(await readdir(place.folder), []);
    }
  });

  test('discarded twice does not take away what another published in between', async () => {
    await using place = await readyStore();
    const pending = await place.store.create(NAME);
    await pending.publish();
    await pending.discard();
    await place.store.writeText(NAME, 'of another');
    await pending.discard();
    assert.equal(await place.store.readText(NAME), 'of another');
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
