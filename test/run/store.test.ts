import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, statfs, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type Job, runJob, startJob } from '../support/run-job.ts';
import { mountTmpfs } from '../support/mount-tmpfs.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settledSize } from '../support/settled-size.ts';
import { filesBelow, onlyBackup } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const MIB = 2 ** 20;

/** A run that went on in spite of its store would compact and defragment. */
const EAGER = {
  COMPACTION_RETENTION: '1',
  DEFRAG_WAIT: '0s',
  DEFRAG_MIN_DB_SIZE: '1Mi',
  DEFRAG_MIN_FRAGMENTATION: '0.05',
};
const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false', BACKUP_COMPRESSION: 'none' };

describe('the store', () => {
  let proxy: TcpProxy;
  let cluster: Cluster;
  let dbSize: number;

  before(async () => {
    cluster = await startCluster({
      advertise: async ({ clientUrl }) => {
        proxy = await startTcpProxy(clientUrl);
        return proxy.url;
      },
    });
    await fill(cluster, { keys: 100, valueBytes: 16_384, overwrites: 4 });
    dbSize = await settledSize(cluster);
  });

  beforeEach(() => proxy.reset());

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** Runs the job on a store that fails: exit 4, and neither the store nor the cluster is any different. */
  async function refused(
    root: string,
    env: Record<string, string> = {},
    during: (job: Job) => Promise<void> = async () => {},
  ): Promise<string> {
    const traces = await tracesOf(cluster);
    const files = await filesBelow(root);
    await using job = await startJob({
      ...cluster.env,
      ...EAGER,
      CLUSTER_NAME: 'prod',
      BACKUP_STORE: pathToFileURL(root).href,
      ...env,
    });
    await during(job);
    const report = assertRunEnded(await job.finished, 4, 'failed');
    assertSteps(report, { backup: 'failed', prune: 'skipped', compact: 'skipped', defragment: 'skipped' });
    assert.match(report.steps.backup.reason, /nothing was changed/i);
    assert.deepEqual(await filesBelow(root), files);
    await assertUntouched(cluster, traces, { locked: true });
    return report.steps.backup.reason;
  }

  test('that is mounted read-only is refused, and the way out is told', async () => {
    await using scratch = await scratchFolder('store');
    await using mount = await mountTmpfs(join(scratch.path, 'disk'), 'size=64m');
    await mount.remount('ro');
    assert.match(
      await refused(mount.path),
      /prod.*the file system is read-only.*mount the volume of the store read-write/,
    );
  });

  test('is compared with the announced size and 15 % before anything is written', async () => {
    await using scratch = await scratchFolder('store');
    await using mount = await mountTmpfs(join(scratch.path, 'disk'), `size=${Math.round(dbSize * 1.1)}`);
    const reason = await refused(mount.path, { BACKUP_COMPRESSION: 'none' });
    const [, free, needed] = /has (\d+) bytes free and the snapshot needs (\d+)/.exec(reason) ?? [];
    assert.ok(Number(free) > dbSize && Number(free) <= dbSize * 1.1 + 4096, reason);
    assert.ok(Number(needed) >= dbSize * 1.15 && Number(needed) < dbSize * 1.2, reason);
    assert.match(reason, /keep fewer backups/);
    await mount.remount(`size=${Math.round(dbSize * 1.2)}`);
    const env = { ...cluster.env, ...BACKUP_ONLY, BACKUP_STORE: `file://${mount.path}` };
    assertRunEnded(await runJob(env), 0, 'nothing-needed');
  });

  for (const compression of ['none', 'zstd']) {
    test(`that fills up in the middle of writing gets all its space back (${compression})`, async () => {
      await using scratch = await scratchFolder('store');
      await using mount = await mountTmpfs(join(scratch.path, 'disk'), `size=${Math.round(dbSize * 1.3)}`);
      proxy.throttle(4 * MIB);
      const filler = join(mount.path, 'somebody-elses');
      await writeFile(filler, '');
      const reason = await refused(mount.path, { BACKUP_COMPRESSION: compression }, async () => {
        await waitForTemporaryFile(mount.path, MIB);
        await fillDisk(filler);
      });
      assert.match(reason, /could not write .*no space is left.*free space, enlarge the volume/);
      const { bavail, bsize } = await statfs(mount.path);
      assert.ok(bavail * bsize >= MIB, 'what was written is gone');
    });
  }

  test('that is full when only the manifest is missing keeps neither of the two', async () => {
    await using scratch = await scratchFolder('store');
    // Root, folder, data file and its temporary name, which is free again when the manifest has taken the first and
    // needs the second: in memory a second name counts as a file.
    await using mount = await mountTmpfs(join(scratch.path, 'disk'), 'size=256m,nr_inodes=4');
    assert.match(
      await refused(mount.path),
      /could not publish .*\.db\.zst\.json.*no space is left \(or no inode\)/,
    );
  });

  test('with a file where its folder should be is refused', async () => {
    await using scratch = await scratchFolder('store');
    await writeFile(join(scratch.path, 'prod'), 'a note');
    assert.match(await refused(scratch.path), /prod is a file where a folder should be.*move that file away/);
    assert.equal(await readFile(join(scratch.path, 'prod'), 'utf8'), 'a note');
    const below = pathToFileURL(join(scratch.path, 'prod')).href;
    assert.match(await refused(scratch.path, { BACKUP_STORE: below }), /is a file where a folder should be/);
  });

  test("whose cluster's folder is a link out of it is refused, and nothing is written there", async () => {
    await using scratch = await scratchFolder('store');
    await using elsewhere = await scratchFolder('elsewhere');
    await symlink(elsewhere.path, join(scratch.path, 'prod'));
    assert.match(
      await refused(scratch.path),
      /prod is a symbolic link.*remove the link, or point BACKUP_STORE/,
    );
    assert.deepEqual(await readdir(elsewhere.path), []);
  });

  test('may itself be a link, as mount points of operators often are', async () => {
    await using scratch = await scratchFolder('store');
    await mkdir(join(scratch.path, 'real'));
    await symlink(join(scratch.path, 'real'), join(scratch.path, 'link'));
    const env = { ...cluster.env, ...BACKUP_ONLY, BACKUP_STORE: `file://${scratch.path}/link` };
    assertRunEnded(await runJob(env), 0, 'nothing-needed');
    await onlyBackup(join(scratch.path, 'real'));
  });

  test('takes a path of blanks, umlauts and percent signs, and the odd names that are allowed', async () => {
    await using scratch = await scratchFolder('store');
    const root = join(scratch.path, 'nächtliche Sicherung #1 100%?', 'ein weiterer');
    const url = pathToFileURL(root).href;
    assert.match(url, /n%C3%A4chtliche%20Sicherung%20%231%20100%25%3F/);
    const name = `A.b_c-${'9'.repeat(57)}`;
    for (const written of [url, url.replaceAll('%20', ' ').replaceAll('%C3%A4', 'ä')]) {
      const env = { ...cluster.env, ...BACKUP_ONLY, BACKUP_STORE: written, CLUSTER_NAME: name };
      assertRunEnded(await runJob(env), 0, 'nothing-needed');
    }
    assert.deepEqual(await readdir(root), [name]);
    assert.equal((await filesBelow(root)).length, 4);
  });

  for (const name of ['../elsewhere', '..', '.hidden', 'a/b', 'a b', '-x', 'ü', 'x'.repeat(64)]) {
    test(`is not even looked at with CLUSTER_NAME ${JSON.stringify(name)}`, async () => {
      await using scratch = await scratchFolder('store');
      const root = join(scratch.path, 'root');
      const traces = await tracesOf(cluster);
      const env = { ...cluster.env, BACKUP_STORE: `file://${root}`, CLUSTER_NAME: name };
      const report = assertRunEnded(await runJob(env), 2, 'failed');
      assert.deepEqual(
        report.configuration?.map(({ variable }) => variable),
        ['CLUSTER_NAME'],
      );
      assert.deepEqual(await readdir(scratch.path), []);
      await assertUntouched(cluster, traces);
    });
  }

  test('loses the old temporary files of dead runs and nothing that somebody else left there', async () => {
    await using scratch = await scratchFolder('store');
    const folder = join(scratch.path, 'prod');
    const mark = '0123456789abcdef';
    const old = `.20200101T000000Z-5.db.zst.etcd-upkeep-${mark}.part`;
    const oldManifest = `.20200101T000000Z-5.db.zst.json.etcd-upkeep-${mark}.part`;
    const young = `.20200101T000000Z-6.db.etcd-upkeep-${mark}.part`;
    const foreign = [
      '.20200101T000000Z-5.db.zst.part',
      '20200101T000000Z-5.db.zst.etcd-upkeep-0123456789abcdef.part',
      `.x.etcd-upkeep-${mark.toUpperCase()}.part`,
      'snapshot.db.part',
      'notes.txt',
      'snapshot.db',
    ];
    await mkdir(folder);
    for (const name of [old, oldManifest, young, ...foreign]) await writeFile(join(folder, name), name);
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const name of [old, oldManifest, ...foreign]) await utimes(join(folder, name), hourAgo, hourAgo);
    const env = {
      ...cluster.env,
      ...BACKUP_ONLY,
      BACKUP_STORE: `file://${scratch.path}`,
      CLUSTER_NAME: 'prod',
    };
    const result = await runJob(env);
    const { backup } = assertRunEnded(result, 0, 'nothing-needed');
    const own = backup?.name ?? '';
    assert.deepEqual((await readdir(folder)).toSorted(), [young, ...foreign, own, `${own}.json`].toSorted());
    const told = result.lines.filter(({ msg }) => msg === 'temporary file of a dead run deleted');
    assert.deepEqual(told.map(({ file }) => String(file)).toSorted(), [old, oldManifest].toSorted());
  });

  for (const umask of [0o000, 0o077, 0o777]) {
    test(`is for the job's user alone with a umask of ${umask.toString(8)}`, async () => {
      await using scratch = await scratchFolder('store');
      const root = join(scratch.path, 'a', 'b');
      const usual = process.umask(umask);
      const starting = startJob({ ...cluster.env, ...BACKUP_ONLY, BACKUP_STORE: `file://${root}` });
      try {
        await starting;
      } finally {
        process.umask(usual);
      }
      await using job = await starting;
      assertRunEnded(await job.finished, 0, 'nothing-needed');
      const { file } = await onlyBackup(root);
      for (const path of [file, `${file}.json`]) assert.equal(await modeOf(path), 0o600, path);
      for (const path of [join(file, '..'), root, join(root, '..')]) {
        assert.equal(await modeOf(path), 0o700, path);
      }
    });
  }

  test('keeps two clusters apart, also when they have the same name', async () => {
    await using other = await startCluster();
    await using scratch = await scratchFolder('store');
    const run = async (of: Cluster, env: Record<string, string> = {}) => {
      const store = { BACKUP_STORE: `file://${scratch.path}`, BACKUP_KEEP_LAST: '1' };
      const result = await runJob({ ...of.env, ...BACKUP_ONLY, ...store, ...env });
      return assertRunEnded(result, 0, 'nothing-needed').backup?.name ?? '';
    };
    await run(cluster);
    const first = await run(cluster);
    await run(other);
    const second = await run(other);
    const apart = [...bothFiles(await idOf(cluster), first), ...bothFiles(await idOf(other), second)];
    assert.deepEqual(await filesBelow(scratch.path), apart.toSorted());

    const named = { CLUSTER_NAME: 'prod' };
    const third = await run(cluster, named);
    await run(other, named);
    const fourth = await run(other, named);
    const together = [...apart, ...bothFiles('prod', third, fourth)];
    assert.deepEqual(await filesBelow(scratch.path), together.toSorted());
  });
});

/** Until nothing fits any more. */
async function fillDisk(path: string): Promise<void> {
  const block = Buffer.alloc(64 * 1024, 'x');
  for (;;) {
    try {
      await writeFile(path, block, { flag: 'a' });
    } catch (error) {
      assert.match(String(error), /ENOSPC/);
      return;
    }
  }
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

const idOf = async (cluster: Cluster): Promise<string> => (await cluster.member(0).status()).clusterId;

/** The paths of these backups and of their manifests. */
const bothFiles = (folder: string, ...names: string[]): string[] =>
  names.flatMap((name) => [`${folder}/${name}`, `${folder}/${name}.json`]);
