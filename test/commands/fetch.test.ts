import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fill } from '../support/fill.ts';
import { startJob } from '../support/run-job.ts';
import { mountTmpfs } from '../support/mount-tmpfs.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { readKeys } from '../support/read-keys.ts';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { etcdutl } from '../support/tools.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';
import { startBackedUpCluster, type BackedUpCluster } from './backed-up-cluster.ts';

const MIB = 2 ** 20;

let backedUp: BackedUpCluster;
let name: string;
let out: Scratch;

before(async () => {
  backedUp = await startBackedUpCluster();
  out = await scratchFolder('out');
  await fill(backedUp.cluster, { keys: 100, valueBytes: 10_000, overwrites: 2, compressible: true });
  name = await backedUp.backUp();
});

after(async () => {
  await backedUp[Symbol.asyncDispose]();
  await out[Symbol.asyncDispose]();
});

/** A new folder below `out`. */
async function newFolder(named: string): Promise<string> {
  const path = join(out.path, named);
  await mkdir(path);
  return path;
}

describe('what fetch writes', () => {
  for (const compression of ['none', 'zstd']) {
    test(`is what etcdctl snapshot save would have written (${compression})`, async () => {
      const folder = await newFolder(compression);
      await backedUp.backUp({ BACKUP_COMPRESSION: compression });
      const [ours, theirs] = [join(folder, 'ours.db'), join(folder, 'theirs.db')];
      const fetched = await jsonOf(['fetch', 'latest', ours], backedUp.env);
      await backedUp.cluster.etcdctl('snapshot', 'save', theirs);
      assert.equal((await stat(ours)).mode & 0o7777, 0o600);
      assert.equal((await stat(ours)).size % 512, 32);
      assert.equal((await stat(ours)).size, fetched.manifest.raw.size + 32);

      const told = JSON.parse(
        await runProgram(await etcdutl(), ['snapshot', 'status', ours, '-w', 'json'], { env: plainEnv() }),
      );
      assert.ok(told.revision >= fetched.manifest.revision);
      assert.ok(told.totalSize > 0 && told.totalKey > 0);
      const [expected, found] = await Promise.all([theirs, ours].map(contentOf));
      assert.deepEqual(found, expected);
      assert.deepEqual((await readdir(folder)).toSorted(), ['ours.db', 'theirs.db']);
    });
  }

  test('is told in a table, and what to know of the backup with it', async () => {
    const file = join(await newFolder('table'), 'snapshot.db');
    const { stdout, stderr } = assertCommandEnded(await runCommand(['fetch', name, file], backedUp.env), 0);
    assert.match(stdout, new RegExp(`^FILE +${file}$`, 'm'));
    assert.match(stdout, new RegExp(`^BACKUP +.*/prod/${name}$`, 'm'));
    assert.match(stdout, /^REVISION +\d+, \d+ keys$/m);
    assert.equal(stderr, '');
  });

  test('may come with a receipt, which says since when, and what is in it', async () => {
    const folder = await newFolder('receipt');
    const [file, receipt] = [join(folder, 'snapshot.db'), join(folder, 'receipt.json')];
    const began = Date.now();
    const printed = await jsonOf(['fetch', name, file, '--receipt', receipt], backedUp.env);
    const written = JSON.parse(await readFile(receipt, 'utf8'));
    assert.deepEqual(written, printed);
    const manifest = JSON.parse(await readFile(join(backedUp.folder, `${name}.json`), 'utf8'));
    assert.deepEqual(written.manifest, manifest);
    assert.equal(written.file, file);
    assert.ok(Date.parse(written.startedAt) >= began && Date.parse(written.finishedAt) <= Date.now());
    assert.equal((await stat(receipt)).mode & 0o7777, 0o600);
  });

  test('goes to a relative path, below where the command runs', async () => {
    const folder = await newFolder('relative');
    const main = join(process.cwd(), 'src/main.ts');
    await runProgram(process.execPath, [main, 'fetch', name, 'here.db'], {
      cwd: folder,
      env: plainEnv(backedUp.env),
    });
    assert.deepEqual(await readdir(folder), ['here.db']);
  });

  test('says what was wrong with the cluster when the backup was taken', async () => {
    const root = await newFolder('unwell');
    const folder = join(root, 'prod');
    await cp(backedUp.folder, folder, { recursive: true });
    const path = join(folder, `${name}.json`);
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...manifest, problems: ['the cluster has no leader'] }));
    const args = ['fetch', name, join(root, 'out.db')];
    const { stderr } = assertCommandEnded(await runCommand(args, { BACKUP_STORE: `file://${root}` }), 0);
    assert.match(stderr, /when it was taken the cluster was not well: the cluster has no leader/);
  });
});

describe('fetch writes nothing', () => {
  test('over a file, a link or a folder, nor where there is no folder, nor to standard output', async () => {
    const folder = await newFolder('taken');
    const file = join(folder, 'taken.db');
    await writeFile(file, 'precious');
    await assertCommandRefused(
      ['fetch', name, file],
      backedUp.env,
      2,
      /taken\.db is there already, and nothing is overwritten/,
    );
    await assertCommandRefused(['fetch', name, folder], backedUp.env, 2, /is there already/);
    await assertCommandRefused(
      ['fetch', name, join(folder, 'no/x.db')],
      backedUp.env,
      2,
      /no is not a folder/,
    );
    await assertCommandRefused(['fetch', name, '-'], backedUp.env, 2, /not written to standard output/);
    const args = ['fetch', name, join(folder, 'new.db'), '--receipt', file];
    await assertCommandRefused(args, backedUp.env, 2, /taken\.db is there already/);
    assert.deepEqual(await readdir(folder), ['taken.db']);
    assert.equal(await readFile(file, 'utf8'), 'precious');
  });

  test('where it does not fit', async () => {
    await using mount = await mountTmpfs(join(out.path, 'small'), 'size=64k');
    const file = join(mount.path, 'snapshot.db');
    await assertCommandRefused(
      ['fetch', name, file],
      backedUp.env,
      4,
      /small has \d+ bytes free and the snapshot needs \d+: make room/,
    );
    assert.deepEqual(await readdir(mount.path), []);
  });

  test('where the file system gives out in the end, and leaves nothing of what it wrote', async () => {
    // Root and one file; its second name counts as another in memory.
    await using mount = await mountTmpfs(join(out.path, 'inodes'), 'size=64m,nr_inodes=2');
    const file = join(mount.path, 'snapshot.db');
    const words = /could not write .*inodes\/snapshot\.db: ENOSPC.*; nothing is left of it: make room there/;
    await assertCommandRefused(['fetch', name, file], backedUp.env, 4, words);
    assert.deepEqual(await readdir(mount.path), []);
  });

  test('where the receipt cannot be written: neither of the two is there', async () => {
    const folder = await newFolder('neither');
    await using mount = await mountTmpfs(join(out.path, 'receipt-full'), 'size=64m,nr_inodes=2');
    const args = ['fetch', name, join(folder, 'snapshot.db'), '--receipt', join(mount.path, 'receipt.json')];
    await assertCommandRefused(args, backedUp.env, 4, /could not write .*receipt\.json/);
    assert.deepEqual([...(await readdir(folder)), ...(await readdir(mount.path))], []);
  });

  test('where the file system is read-only', async () => {
    await using mount = await mountTmpfs(join(out.path, 'read-only'), 'size=64m');
    await mount.remount('ro');
    await assertCommandRefused(
      ['fetch', name, join(mount.path, 'x.db')],
      backedUp.env,
      4,
      /could not write .*the file system is read-only/,
    );
  });
});

test('fetch that is told to end leaves nothing', async () => {
  await using large = await startBackedUpCluster();
  await fill(large.cluster, { keys: 3200, valueBytes: 65_536 });
  await large.backUp();
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const folder = await newFolder(signal);
    const args = ['fetch', 'latest', join(folder, 'snapshot.db'), '--receipt', join(folder, 'receipt.json')];
    await using job = await startJob(large.env, { args });
    await waitForTemporaryFile(folder, MIB);
    job.kill(signal);
    const { stdout, stderr } = assertCommandEnded(await job.finished, code);
    assert.equal(stdout, '');
    assert.equal(stderr, `etcd-upkeep: ended by ${signal}\n`);
    assert.deepEqual(await readdir(folder), []);
  }
});

test('a store that is mounted read-only is enough for list, verify and fetch', async () => {
  await using mount = await mountTmpfs(join(out.path, 'mounted'), 'size=64m');
  await cp(backedUp.folder, join(mount.path, 'prod'), { recursive: true });
  await mount.remount('ro');
  const env = { BACKUP_STORE: `file://${mount.path}` };
  assertCommandEnded(await runCommand(['list'], env), 0);
  assertCommandEnded(await runCommand(['verify', 'all'], env), 0);
  assertCommandEnded(
    await runCommand(['fetch', 'latest', join(await newFolder('from-read-only'), 'x.db')], env),
    0,
  );
});

async function contentOf(file: string): Promise<unknown> {
  await using restored = await restoreSnapshot(file);
  return await readKeys(restored, '/registry/'); // before it is gone
}
