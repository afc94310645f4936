import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mountTmpfs, type Mount } from '../../support/mount-tmpfs.ts';
import { assertNothingOpenBelow, newStore } from './place.ts';
import { failsWith, fileStore, MIB, NAME, refusedAs } from '../../support/file-store.ts';

/** Uses up the disk's bytes. */
async function fill(disk: Mount): Promise<void> {
  await assert.rejects(writeFile(join(disk.path, 'filler'), Buffer.alloc(MIB)), { code: 'ENOSPC' });
}

/** Uses up the disk's inodes, so that not even an empty file can be made. */
async function fillInodes(disk: Mount): Promise<void> {
  await assert.rejects(
    async () => {
      for (let count = 0; count < 100; count += 1) await writeFile(join(disk.path, `filler-${count}`), '');
    },
    { code: 'ENOSPC' },
  );
}

describe('a full disk', () => {
  const full = refusedAs('no-space', /no space is left/, /ENOSPC/, /free space, enlarge the volume/);

  test('is found out before anything is read from etcd', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=256k');
    await fill(disk);
    await assert.rejects(place.store.prepare(), full);
    assert.deepEqual(await readdir(place.folder), []);
    await rm(join(disk.path, 'filler'));
    await place.store.prepare();
  });

  test('also when not even the folder can be made', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'nr_inodes=5');
    await fillInodes(disk);
    await assert.rejects(
      place.store.prepare(),
      failsWith(/could not make the folder .*\/disk\/prod: no space/),
    );
    await assert.rejects(place.store.prepare(), full);
  });

  test('when the temporary file is made', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'nr_inodes=5');
    await place.store.prepare();
    await fillInodes(disk);
    await assert.rejects(place.store.create(NAME), full);
    assert.deepEqual(await readdir(place.folder), []);
  });

  test('in the middle of the bytes: discarding gives all the space back', async () => {
    await using place = await newStore('disk');
    await using _disk = await mountTmpfs(place.directory, 'size=2560k');
    await place.store.prepare();
    const before = await place.store.freeBytes();
    const pending = await place.store.create(NAME);
    await pending.write(Buffer.alloc(MIB));
    await pending.write(Buffer.alloc(MIB));
    await assert.rejects(pending.write(Buffer.alloc(MIB)), full); // half of it fits
    await pending.discard();
    assert.deepEqual(await readdir(place.folder), []);
    assert.equal(await place.store.freeBytes(), before);
    await assertNothingOpenBelow(place.folder);
  });

  test('when the file is given its name', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'nr_inodes=8');
    await place.store.prepare();
    const pending = await place.store.create(NAME);
    await pending.write(Buffer.from('bytes'));
    await fillInodes(disk); // a second name needs one on a tmpfs
    await assert.rejects(pending.publish(), full);
    await pending.discard();
    assert.deepEqual(await readdir(place.folder), []);
    await assertNothingOpenBelow(place.folder);
  });

  test('at the manifest: it is there whole or not at all', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=256k');
    await place.store.prepare();
    await fill(disk);
    await assert.rejects(place.store.writeText(`${NAME}.json`, 'text'), full);
    assert.deepEqual(await readdir(place.folder), []);
    await assertNothingOpenBelow(place.folder);
  });

  test('still lets leftovers and old backups be removed', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=256k');
    await place.store.prepare();
    await place.store.writeText(NAME, 'old');
    await writeFile(join(place.folder, '.x.etcd-upkeep-0123456789abcdef.part'), Buffer.alloc(100_000));
    await fill(disk);
    const later = fileStore({ directory: disk.path, cluster: 'prod', now: () => Date.now() + 5000 });
    assert.equal((await later.removeLeftovers(1000, () => true)).length, 1);
    await later.prepare();
    await later.remove(NAME);
  });
});

describe('free space', () => {
  test('is what the file system says, before and after the folder is there', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=1m');
    assert.equal(await place.store.freeBytes(), MIB);
    await place.store.prepare();
    await writeFile(join(disk.path, 'file'), Buffer.alloc(MIB / 4));
    assert.equal(await place.store.freeBytes(), (MIB * 3) / 4);
  });

  test('is not known where the file system has no size', async () => {
    await using place = await newStore('disk');
    await using _disk = await mountTmpfs(place.directory, 'size=0');
    assert.equal(await place.store.freeBytes(), undefined);
  });
});
