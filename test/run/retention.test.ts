import assert from 'node:assert/strict';
import { copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { backupName, manifestName, parseBackupName } from '../../src/backup/names.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { wrongClock } from '../support/wrong-clock.ts';
import { fill } from '../support/fill.ts';
import { askGateway } from '../support/etcd-gateway.ts';
import { type JobResult, runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runProgram } from '../support/run-program.ts';
import { reportOf } from '../support/run-report.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { filesBelow } from '../support/stored-backup.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };
const CLUSTER_NAME = 'prod';

/** Runs the job for the cluster that the store is for. */
function run(cluster: Cluster, store: Scratch, env: Record<string, string> = {}): Promise<JobResult> {
  const settings = { BACKUP_STORE: `file://${store.path}`, CLUSTER_NAME };
  const quick = { ETCDCTL_DIAL_TIMEOUT: '3s', ETCDCTL_COMMAND_TIMEOUT: '6s' };
  return runJob({ ...cluster.env, ...BACKUP_ONLY, ...quick, ...settings, ...env });
}

/** The names of the backups that are there with both of their files. */
async function backupsIn(store: Scratch): Promise<string[]> {
  const names = (await filesBelow(store.path)).map((path) => path.slice(CLUSTER_NAME.length + 1));
  return names.filter((name) => parseBackupName(name) && names.includes(manifestName(name)));
}

/** A copy of a backup under the name and in the manifest of another day, as if a run had made it then. */
async function copyTo(store: Scratch, original: string, daysAgo: number): Promise<string> {
  const folder = join(store.path, CLUSTER_NAME);
  const { at, revision } = parseBackupName(original) ?? assert.fail(`${original} is no backup's name`);
  const name = backupName({ at: new Date(at.getTime() - daysAgo * DAY_MS), revision, compression: 'zstd' });
  await copyFile(join(folder, original), join(folder, name));
  const manifest = JSON.parse(await readFile(join(folder, manifestName(original)), 'utf8'));
  const startedAt = new Date(Date.parse(manifest.startedAt) - daysAgo * DAY_MS).toISOString();
  await writeFile(join(folder, manifestName(name)), JSON.stringify({ ...manifest, name, startedAt }));
  return name;
}

const nameOf = (result: JobResult): string =>
  reportOf(result).backup?.name ?? assert.fail(`no backup was made\n${result.stdout}`);

describe('retention', () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster();
    await fill(cluster, { keys: 50, valueBytes: 16_384, overwrites: 3 });
  });

  after(() => cluster[Symbol.asyncDispose]());

  /** A store with the backups of earlier days, the oldest first. */
  async function storeOfDays(...daysAgo: number[]): Promise<{ store: Scratch; earlier: string[] }> {
    const store = await scratchFolder('store');
    const original = nameOf(await run(cluster, store));
    const earlier: string[] = [];
    for (const days of daysAgo) earlier.push(await copyTo(store, original, days));
    const folder = join(store.path, CLUSTER_NAME);
    await rm(join(folder, original));
    await rm(join(folder, manifestName(original)));
    return { store, earlier };
  }

  test('BACKUP_KEEP_LAST=2 keeps the last two of four runs', async () => {
    await using store = await scratchFolder('store');
    const made: string[] = [];
    for (let runs = 1; runs <= 4; runs += 1) {
      const result = await run(cluster, store, { BACKUP_KEEP_LAST: '2' });
      const report = assertRunEnded(result, 0, 'nothing-needed');
      made.push(nameOf(result));
      // As sets: two runs of one second differ by their revisions, which are no words to be sorted.
      assert.deepEqual(new Set(await backupsIn(store)), new Set(made.slice(-2)));
      assert.equal((await filesBelow(store.path)).length, 2 * Math.min(runs, 2));
      assertSteps(report, { prune: runs > 2 ? 'done' : 'skipped' });
      const deleted = result.lines.filter(({ msg }) => msg === 'old backup deleted');
      assert.deepEqual(
        deleted.map(({ backup }) => backup),
        made.slice(0, -2).slice(-1),
      );
    }
  });

  test('with every rule at 0 every backup stays', async () => {
    const { store, earlier } = await storeOfDays(900, 40, 1);
    await using _ = store;
    const env = { BACKUP_KEEP_LAST: '0', BACKUP_KEEP_DAILY: '0' };
    const result = await run(cluster, store, env);
    assertSteps(assertRunEnded(result, 0, 'nothing-needed'), { prune: 'skipped' });
    assert.deepEqual(await backupsIn(store), [...earlier, nameOf(result)]);
  });

  test('what any rule keeps stays', async () => {
    const { store, earlier } = await storeOfDays(60, 3, 2, 1);
    await using _ = store;
    const result = await run(cluster, store, { BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '3' });
    assertSteps(assertRunEnded(result, 0, 'nothing-needed'), { prune: 'done' });
    assert.deepEqual(await backupsIn(store), [...earlier.slice(2), nameOf(result)]);
  });

  test('a clock that is a day ahead costs no backup that a right one would keep', async () => {
    const { store, earlier } = await storeOfDays(3, 2, 1);
    await using _ = store;
    const keep = { BACKUP_KEEP_LAST: '3' };
    const ahead = await run(cluster, store, { ...keep, ...(await wrongClock(1)) });
    assertRunEnded(ahead, 0, 'nothing-needed');
    const future = nameOf(ahead);
    const shift = (parseBackupName(future)?.at.getTime() ?? 0) - Date.now();
    assert.ok(Math.abs(shift - DAY_MS) < 60_000, `${future} is dated a day ahead`);
    assert.deepEqual(await backupsIn(store), [...earlier.slice(1), future]);

    const right = await run(cluster, store, keep);
    assertRunEnded(right, 0, 'nothing-needed');
    assert.deepEqual(await backupsIn(store), [...earlier.slice(1), nameOf(right), future]);
    const told = right.lines.find(({ msg }) => msg === 'backup is dated in the future, kept and not counted');
    assert.equal(told?.backup, future);
  });

  test('a clock that is a day behind deletes nothing newer, and not its own backup', async () => {
    const { store, earlier } = await storeOfDays(4, 3, 0.5, 0.25);
    await using _ = store;
    const behind = await run(cluster, store, { BACKUP_KEEP_LAST: '1', ...(await wrongClock(-1)) });
    assertSteps(assertRunEnded(behind, 0, 'nothing-needed'), { prune: 'done' });
    assert.deepEqual(await backupsIn(store), [nameOf(behind), ...earlier.slice(2)]);
  });

  test('a backup of another cluster, or one whose manifest is broken or missing, is never deleted', async () => {
    const { store, earlier } = await storeOfDays(9, 8, 7, 6, 5);
    await using _ = store;
    const [foreignId = '', foreignName = '', broken = '', missing = '', ours = ''] = earlier;
    const manifest = (name: string) => join(store.path, CLUSTER_NAME, manifestName(name));
    const change = async (name: string, whose: object) => {
      const text = JSON.parse(await readFile(manifest(name), 'utf8'));
      await writeFile(manifest(name), JSON.stringify({ ...text, cluster: { ...text.cluster, ...whose } }));
    };
    await change(foreignId, { id: 'abcdef' });
    await change(foreignName, { name: 'staging' });
    await writeFile(manifest(broken), '{"format": 1, ');
    await rm(manifest(missing));
    const files = await filesBelow(store.path);
    const result = await run(cluster, store, { BACKUP_KEEP_LAST: '1' });
    assertRunEnded(result, 0, 'nothing-needed');
    const own = nameOf(result);
    const expected = [...files, `${CLUSTER_NAME}/${own}`, `${CLUSTER_NAME}/${manifestName(own)}`];
    assert.deepEqual(
      await filesBelow(store.path),
      expected.filter((path) => !path.includes(ours)).toSorted(),
    );
    const told = result.lines.filter(({ msg }) => msg === 'file in the store left alone');
    assert.deepEqual(
      told.map(({ file }) => file),
      [foreignId, foreignName, broken, missing],
    );
  });

  test('files with the head of a manifest push no backup out, and are told', async () => {
    const { store, earlier } = await storeOfDays(10, 9, 8);
    await using _ = store;
    const folder = join(store.path, CLUSTER_NAME);
    const [first = ''] = earlier;
    const { cluster: whose, format } = JSON.parse(await readFile(join(folder, manifestName(first)), 'utf8'));
    const planted: string[] = [];
    for (let days = 1; days <= 7; days += 1) {
      const at = new Date(Date.now() - days * DAY_MS);
      const name = backupName({ at, revision: days, compression: 'none' });
      const stored = { size: 1, sha256: '0'.repeat(64) };
      await writeFile(join(folder, name), 'x');
      await writeFile(
        join(folder, manifestName(name)),
        JSON.stringify({ format, name, cluster: whose, stored }),
      );
      planted.push(name);
    }
    const result = await run(cluster, store, { BACKUP_KEEP_LAST: '3' });
    const report = assertRunEnded(result, 0, 'nothing-needed');
    assertSteps(report, { prune: ['done', /1 backups deleted, 3 kept/] });
    const left = await backupsIn(store);
    assert.deepEqual(left, [...earlier.slice(1), ...planted.toReversed(), nameOf(result)].toSorted());
    const told = report.warnings.join('\n');
    assert.match(told, /7 files in .*prod look like backups and were neither counted nor deleted: /);
    assert.match(told, /its manifest cannot be used: "member" is not an object.*; and 2 more$/m);
  });

  test("another ID's backups beside its own are told, and stay; so does what is dated ahead", async () => {
    const { store, earlier } = await storeOfDays(4, 3, 2, -2);
    await using _ = store;
    const [own = '', foreign = '', recent = '', ahead = ''] = earlier;
    const path = join(store.path, CLUSTER_NAME, manifestName(foreign));
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...manifest, cluster: { ...manifest.cluster, id: 'abcdef' } }));
    // It must not end the forecast either.
    await truncate(join(store.path, CLUSTER_NAME, manifestName(own)), 2 ** 20 + 1);
    const result = await run(cluster, store, { BACKUP_KEEP_LAST: '1' });
    const report = assertRunEnded(result, 0, 'nothing-needed');
    assert.deepEqual(await backupsIn(store), [own, foreign, nameOf(result), ahead]);
    assert.ok(report.steps.prune.reason.startsWith('1 backups deleted'), recent);
    const told = report.warnings.join('\n');
    assert.match(told, new RegExp(`also has backups of a cluster with the ID abcdef, say ${foreign}: `));
    assert.match(told, new RegExp(`1 backups in .* are dated after this run's clock.*: ${ahead}$`, 'm'));
    assert.equal(report.forecast?.kind, 'unknown');
    const left = result.lines.filter(({ msg }) => msg === 'backup left out of the forecast');
    assert.deepEqual(
      left.map(({ backup }) => backup),
      [own],
    );
  });

  test('a backup that cannot be deleted is told, exit 5, and the compaction is done all the same', async () => {
    const { store, earlier } = await storeOfDays(3, 2);
    await using _ = store;
    const [stuck = '', other = ''] = earlier;
    const path = join(store.path, CLUSTER_NAME, stuck);
    await using _immutable = await makeImmutable(path);
    const result = await run(cluster, store, {
      BACKUP_KEEP_LAST: '1',
      COMPACTION_ENABLED: 'true',
      COMPACTION_RETENTION: '1',
    });
    const report = assertRunEnded(result, 5, 'partial');
    assertSteps(report, { backup: 'done', prune: 'failed', compact: 'done' });
    assert.match(report.steps.prune.reason, /the store will fill.*could not remove .*not permitted/);
    assert.ok(report.steps.prune.reason.includes(stuck));
    const left = await backupsIn(store);
    assert.deepEqual(left, [stuck, nameOf(result)], `${other} could be deleted, and was`);
    await assert.rejects(
      cluster.etcdctl('get', 'x', `--rev=${Number(report.compaction?.target) - 1}`),
      /required revision has been compacted/,
    );
  });

  test('nothing is deleted while a CORRUPT alarm is on', async () => {
    const { store, earlier } = await storeOfDays(3, 2, 1);
    await using _ = store;
    const { memberId } = await cluster.member(0).status();
    await using _alarm = await raiseCorrupt(cluster, memberId);
    const result = await run(cluster, store, { BACKUP_KEEP_LAST: '1', COMPACTION_ENABLED: 'true' });
    const report = assertRunEnded(result, 5, 'partial');
    assertSteps(report, { backup: 'done', prune: 'refused', compact: 'refused' });
    assert.match(report.steps.prune.reason, /CORRUPT alarm.*an older one may be the only good one/);
    assert.deepEqual(await backupsIn(store), [...earlier, nameOf(result)]);
  });
});

test('old backups are deleted with one member down, and none while there is no leader', async () => {
  await using cluster = await startCluster({ size: 3 });
  await using store = await scratchFolder('store');
  const first = nameOf(await run(cluster, store));
  const old = await copyTo(store, first, 3);
  assert.deepEqual(await backupsIn(store), [old, first]);

  await cluster.member(2).kill();
  await cluster.leader();
  const oneDown = await run(cluster, store, { BACKUP_KEEP_LAST: '1', COMPACTION_ENABLED: 'true' });
  assertSteps(assertRunEnded(oneDown, 5, 'partial'), { backup: 'done', prune: 'done', compact: 'refused' });
  assert.deepEqual(await backupsIn(store), [nameOf(oneDown)]);

  await cluster.member(1).kill();
  await waitForNoLeader(cluster);
  const twoDown = await run(cluster, store, { BACKUP_KEEP_LAST: '1' });
  const report = assertRunEnded(twoDown, 5, 'partial');
  assertSteps(report, { backup: 'done', prune: 'refused' });
  assert.match(report.steps.prune.reason, /no leader.*an older one may be the only good one/);
  assert.deepEqual(await backupsIn(store), [nameOf(oneDown), nameOf(twoDown)]);
});

/** As an administrator may protect a file; nobody, not even root, can delete it then. */
async function makeImmutable(path: string): Promise<AsyncDisposable> {
  try {
    await runProgram('chattr', ['+i', path]);
  } catch (error) {
    const message =
      'the test of a backup that cannot be deleted needs chattr, root and a file system that knows it';
    throw new Error(message, { cause: error });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await runProgram('chattr', ['-i', path]);
    },
  };
}

/** etcd's own call; no client but the members makes it. */
async function raiseCorrupt(cluster: Cluster, memberId: string): Promise<AsyncDisposable> {
  const member = cluster.member(0);
  const ask = (action: 'ACTIVATE' | 'DEACTIVATE') => {
    const body = { action, memberID: BigInt(`0x${memberId}`).toString(), alarm: 'CORRUPT' };
    return askGateway(member.clientUrl, cluster.access, 'maintenance/alarm', { body });
  };
  await ask('ACTIVATE');
  return {
    [Symbol.asyncDispose]: async () => {
      await ask('DEACTIVATE');
    },
  };
}

async function waitForNoLeader(cluster: Cluster): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await cluster.member(0).status()).leaderId !== '0') {
    assert.ok(Date.now() < deadline, 'a member that is alone still sees a leader');
    await sleep(50);
  }
}
