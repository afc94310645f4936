import assert from 'node:assert/strict';
import { chmod, chown, link, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { StoreError, type StoreErrorCode } from '../../../src/storage/errors.ts';
import { toStoreError } from '../../../src/storage/file/errors.ts';
import { asOrdinaryUser, mountTmpfs } from '../../support/mount-tmpfs.ts';
import { newStore, readyStore } from './place.ts';
import { collect, failsWith, fileStore, NAME, refusedAs } from '../../support/file-store.ts';

describe('a store that cannot be written', () => {
  test('read-only, before and after its folder is there', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=1m');
    const readOnly = refusedAs(
      'read-only',
      /the file system is read-only/,
      /EROFS/,
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
      refusedAs('read-only', /could not remove .*: the file system is read-only/),
    );
    assert.equal(await place.store.readText(NAME), 'text');
  });

  test('a root below a read-only file system: not mounted', async () => {
    await using place = await newStore('disk');
    await using disk = await mountTmpfs(place.directory, 'size=1m');
    await disk.remount('ro');
    const store = fileStore({ directory: join(disk.path, 'backups', 'etcd'), cluster: 'prod' });
    await assert.rejects(
      store.prepare(),
      failsWith(/could not make the folder .*\/backups\/etcd: .* read-only/),
    );
  });

  test('not by this user', async () => {
    await using place = await readyStore('root');
    await chmod(place.directory, 0o700);
    await asOrdinaryUser(async () => {
      const denied = refusedAs(
        'access',
        /permission denied/,
        /EACCES/,
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
        refusedAs('access', /could not create .*\.part: permission denied/),
      );
    });
  });

  test('a file where the root, or a part of its path, should be', async () => {
    await using place = await newStore();
    await writeFile(join(place.directory, 'file'), '');
    const root = fileStore({ directory: join(place.directory, 'file'), cluster: 'prod' });
    await assert.rejects(
      root.prepare(),
      refusedAs('not-a-folder', /\/file is a file where a folder should be/),
    );
    await assert.rejects(root.list(), refusedAs('not-a-folder', /a part of this path is a file/));
    const below = fileStore({ directory: join(place.directory, 'file', 'root'), cluster: 'prod' });
    await assert.rejects(
      below.prepare(),
      refusedAs('not-a-folder', /a part of this path is a file/, /move that file away/),
    );
  });

  test("a file where the cluster's folder should be", async () => {
    await using place = await newStore();
    await writeFile(place.folder, 'of another');
    const blocked = refusedAs(
      'not-a-folder',
      /\/prod is a file where a folder should be/,
      /move that file away/,
    );
    await assert.rejects(place.store.prepare(), blocked);
    await assert.rejects(place.store.create(NAME), blocked);
    await assert.rejects(place.store.list(), blocked);
  });

  test('a root that is a link into nowhere', async () => {
    await using place = await newStore();
    await symlink('nowhere', join(place.directory, 'backups'));
    const store = fileStore({ directory: join(place.directory, 'backups'), cluster: 'prod' });
    await assert.rejects(store.prepare(), refusedAs('not-found', /it does not exist/, /mount the volume/));
    assert.deepEqual(await readdir(place.directory), ['backups']);
  });

  test('a folder that is gone after prepare is not made again: the volume may be gone', async () => {
    await using place = await readyStore();
    await rm(place.folder, { recursive: true });
    await assert.rejects(place.store.create(NAME), refusedAs('not-found', /it does not exist/));
    assert.deepEqual(await readdir(place.directory), []);
  });

  test('a name that is too long', async () => {
    await using place = await newStore();
    const store = fileStore({ directory: place.directory, cluster: 'c'.repeat(256) });
    await assert.rejects(
      store.prepare(),
      refusedAs('invalid-name', /the name is too long/, /shorten CLUSTER_NAME/),
    );
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
    await assert.rejects(second.publish(), refusedAs('taken', /could not publish .*: the name is taken/));
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
  const ANSWERS: Record<string, [StoreErrorCode, RegExp]> = {
    EIO: ['other', /input\/output error .*; look at the node's kernel log/],
    EDQUOT: ['no-space', /quota is used up .*raise the quota/],
    ESTALE: ['unreachable', /the network share has gone away .*mount it again/],
    EFBIG: ['too-large', /too large for this file system/],
    EBUSY: ['other', /the operating system refused it/],
  };
  for (const [system, [code, words]] of Object.entries(ANSWERS)) {
    test(system, () => {
      const cause = Object.assign(new Error(`${system}: as the system says it, write`), {
        code: system,
        syscall: 'write',
      });
      const error = toStoreError('write', '/backups/prod/x', cause);
      refusedAs(code, /^could not write \/backups\/prod\/x: /, words)(error);
      assert.ok(error instanceof StoreError);
      assert.equal(error.cause, cause);
      assert.equal(error.message.split(cause.message).length, 2, 'the words of the system, once');
    });
  }

  test('a bug stays a bug', () => {
    const bug = new TypeError('undefined is not a function');
    assert.equal(toStoreError('write', '/backups', bug), bug);
  });
});
