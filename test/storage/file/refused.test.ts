import assert from 'node:assert/strict';
import { chmod, chown, link, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Failure } from '../../../src/errors.ts';
import { fileFailure, NOTHING_CHANGED } from '../../../src/storage/file/errors.ts';
import { openFileStore } from '../../../src/storage/file/store.ts';
import { asOrdinaryUser, mountTmpfs, type Mount } from '../../support/mount-tmpfs.ts';
import { assertNothingOpenBelow, collect, failsWith, MIB, NAME, newStore, readyStore } from './place.ts';

const NOTHING = /nothing was backed up and nothing was changed/;

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
  const full = failsWith(/no space is left/, /ENOSPC/, NOTHING, /free space, enlarge the volume/);

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
    const later = openFileStore({ directory: disk.path, cluster: 'prod', now: () => Date.now() + 5000 });
    assert.equal((await later.removeLeftovers(1000)).length, 1);
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

describe('a store that cannot be written', () => {
  test('read-only, before and after its folder is there', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=1m');
    const readOnly = failsWith(
      /the file system is read-only/,
      /EROFS/,
      NOTHING,
      /mount the volume .* read-write/,
    );
    await disk.remount('ro');
    await assert.rejects(place.store.prepare(), readOnly);
    await disk.remount('rw');
    await place.store.prepare();
    await place.store.writeText(NAME, 'text');
    await disk.remount('ro');
    await assert.rejects(place.store.prepare(), readOnly);
    await assert.rejects(place.store.create(NAME), readOnly);
    await assert.rejects(
      place.store.remove(NAME),
      failsWith(/could not remove .*: the file system is read-only/),
    );
    assert.equal(await place.store.readText(NAME), 'text');
  });

  test('a root below a read-only file system: not mounted', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=1m');
    await disk.remount('ro');
    const store = openFileStore({ directory: join(disk.path, 'backups', 'etcd'), cluster: 'prod' });
    await assert.rejects(
      store.prepare(),
      failsWith(/could not make the folder .*\/backups\/etcd: .* read-only/),
    );
  });

  test('not by this user', async () => {
    await using place = await readyStore('root');
    await chmod(place.directory, 0o700);
    await asOrdinaryUser(async () => {
      const denied = failsWith(
        /permission denied/,
        /EACCES/,
        NOTHING,
        /let the user of the job read and write/,
      );
      await assert.rejects(place.store.prepare(), denied);
      await assert.rejects(place.store.create(NAME), denied);
      await assert.rejects(place.store.list(), failsWith(/permission denied/));
    });
  });

  test('readable only: found out by really writing', async () => {
    await using place = await newStore('root');
    await place.store.prepare();
    for (const path of [join(place.directory, '..'), place.directory, place.folder]) await chmod(path, 0o755);
    await asOrdinaryUser(async () => {
      await assert.rejects(
        place.store.prepare(),
        failsWith(/could not create .*\.part: permission denied/, NOTHING),
      );
    });
  });

  test('a file where the root, or a part of its path, should be', async () => {
    await using place = await newStore();
    await writeFile(join(place.directory, 'file'), '');
    const root = openFileStore({ directory: join(place.directory, 'file'), cluster: 'prod' });
    await assert.rejects(root.prepare(), failsWith(/\/file is a file where a folder should be/, NOTHING));
    await assert.rejects(root.list(), failsWith(/a part of this path is a file/));
    const below = openFileStore({ directory: join(place.directory, 'file', 'root'), cluster: 'prod' });
    await assert.rejects(
      below.prepare(),
      failsWith(/a part of this path is a file/, NOTHING, /move that file away/),
    );
  });

  test("a file where the cluster's folder should be", async () => {
    await using place = await newStore();
    await writeFile(place.folder, 'of another');
    const blocked = failsWith(/\/prod is a file where a folder should be/, /move that file away/);
    await assert.rejects(place.store.prepare(), blocked);
    await assert.rejects(place.store.prepare(), failsWith(NOTHING));
    await assert.rejects(place.store.create(NAME), blocked);
    await assert.rejects(place.store.list(), blocked);
  });

  test('a root that is a link into nowhere', async () => {
    await using place = await newStore();
    await symlink('nowhere', join(place.directory, 'backups'));
    const store = openFileStore({ directory: join(place.directory, 'backups'), cluster: 'prod' });
    await assert.rejects(store.prepare(), failsWith(/it does not exist/, NOTHING, /mount the volume/));
    assert.deepEqual(await readdir(place.directory), ['backups']);
  });

  test('a folder that is gone after prepare is not made again: the volume may be gone', async () => {
    await using place = await readyStore();
    await rm(place.folder, { recursive: true });
    await assert.rejects(place.store.create(NAME), failsWith(/it does not exist/, NOTHING));
    assert.deepEqual(await readdir(place.directory), []);
  });

  test('a name that is too long', async () => {
    await using place = await newStore();
    const store = openFileStore({ directory: place.directory, cluster: 'c'.repeat(256) });
    await assert.rejects(store.prepare(), failsWith(/the name is too long/, /shorten CLUSTER_NAME/));
  });
});

test('where hard links cannot be made a file is published all the same, and never over another', async () => {
  await using place = await readyStore();
  const pending = await place.store.create(NAME);
  const second = await place.store.create(NAME);
  await pending.write(Buffer.from('first'));
  // Nobody may link to another user's file (fs.protected_hardlinks), but rename it in a folder open to all.
  for (const path of [place.directory, place.folder]) await chmod(path, 0o777);
  await asOrdinaryUser(async () => {
    const [temporary = ''] = await readdir(place.folder);
    const refusal = { code: 'EPERM' };
    await assert.rejects(link(join(place.folder, temporary), join(place.folder, 'link')), refusal);
    await pending.publish();
    await assert.rejects(second.publish(), failsWith(/could not publish .*: the name is taken/, NOTHING));
    await second.discard();
  });
  assert.deepEqual(await readdir(place.folder), [NAME]);
  assert.equal(await place.store.readText(NAME), 'first');
  await pending.discard();
  assert.deepEqual(await readdir(place.folder), []);
});

test('a folder of another user, open to the group of the job, is used as it is', async () => {
  await using place = await newStore();
  await mkdir(place.folder);
  await chown(place.folder, 1234, 65_534);
  await chmod(place.folder, 0o2777); // as fsGroup leaves it
  await chmod(place.directory, 0o755);
  await asOrdinaryUser(async () => {
    await place.store.prepare();
    const pending = await place.store.create(NAME);
    await pending.write(Buffer.from('bytes'));
    assert.equal((await collect(pending.read())).toString(), 'bytes');
    await pending.publish();
  });
  assert.deepEqual(await readdir(place.folder), [NAME]);
});

describe('the words for what the operating system refuses', () => {
  const ANSWERS: Record<string, RegExp> = {
    EIO: /input\/output error .*; look at the node's kernel log/,
    EDQUOT: /quota is used up .*raise the quota/,
    ESTALE: /the network share has gone away .*mount it again/,
    EFBIG: /too large for this file system/,
    EBUSY: /the operating system refused it/,
  };
  for (const [code, words] of Object.entries(ANSWERS)) {
    test(code, () => {
      const cause = Object.assign(new Error(`${code}: as the system says it, write`), {
        code,
        syscall: 'write',
      });
      const failure = fileFailure('write', '/backups/prod/x', cause, NOTHING_CHANGED);
      assert.ok(failure instanceof Failure);
      assert.equal(failure.kind, 'backup');
      assert.equal(failure.cause, cause);
      assert.match(failure.message, /^could not write \/backups\/prod\/x: /);
      assert.match(failure.message, NOTHING);
      assert.match(failure.message, words);
    });
  }

  test('a bug stays a bug', () => {
    const bug = new TypeError('undefined is not a function');
    assert.equal(fileFailure('write', '/backups', bug), bug);
  });
});
