import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BASES, type BaseName } from './bolt-bases.ts';
import { makeDatabase, type Recipe, startJudge, type Verdict } from './bolt-maker.ts';
import { withChecksum } from './bolt-file.ts';
import { restoreSnapshot } from './restored-cluster.ts';
import { runProgram } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { etcdutl } from './tools.ts';
import { treeOf } from './bolt-tree.ts';

/** What the tests' own databases are worth: etcd's tools take every one of them, and etcd runs on what is restored. */

const sum = ({ keys }: Verdict): number => Object.values(keys).reduce((all, count) => all + count, 0);

test('etcdutl 3.6 and 3.5 take every one of them, and count what the maker says', async (t) => {
  await using folder = await scratchFolder('made');
  for (const [name, recipe] of Object.entries<Recipe>(BASES)) {
    await t.test(name, async () => {
      const { file, holds } = await makeDatabase(recipe);
      assert.deepEqual([holds.structure, holds.values], [[], []]);
      const path = join(folder.path, name);
      await writeFile(path, withChecksum(file));
      // 3.6 counts keys that exist, 3.5 every key of every bucket.
      const status = async (version: '3.5' | '3.6'): Promise<{ revision: number; totalKey: number }> =>
        JSON.parse(await runProgram(await etcdutl(version), ['snapshot', 'status', path, '-w', 'json']));
      const [newer, older] = [await status('3.6'), await status('3.5')];
      assert.deepEqual([newer.revision, older.revision], [holds.revision, holds.revision]);
      assert.equal(older.totalKey, sum(holds));
    });
  }
});

test('etcd runs on what is restored from them', async (t) => {
  await using folder = await scratchFolder('made');
  const restored: BaseName[] = ['deep', 'halfCompacted', 'freelist'];
  for (const name of restored) {
    await t.test(name, async () => {
      const { file, holds } = await makeDatabase(BASES[name]);
      const path = join(folder.path, name);
      await writeFile(path, withChecksum(file));
      await using cluster = await restoreSnapshot(path);
      const [member] = cluster.members;
      assert.equal((await member?.status())?.revision, holds.revision);
    });
  }
});

test('the same recipe gives the same content', async () => {
  const [one, other] = [await makeDatabase(BASES.usual), await makeDatabase(BASES.usual)];
  assert.deepEqual(one.holds, other.holds);
});

const treeIn = async (name: BaseName) => treeOf((await makeDatabase(BASES[name])).file);

test('they have what they are for', async () => {
  const deep = await treeIn('deep');
  const depth = Math.max(...deep.live.map(({ above }) => above.length));
  assert.ok(depth >= 2, `${depth}`);
  assert.ok(deep.stale.length > 10, `${deep.stale.length}`);
  const spread = deep.live.filter(({ at, elements, overflow }) =>
    elements.some(({ keyAt }) => overflow > 0 && keyAt > at + deep.pageSize),
  );
  assert.ok(spread.length > 0, 'no key lies on an overflow page');
  const wide = await treeIn('wide');
  assert.ok(
    wide.live.some(({ bucket, isLeaf }) => bucket === '' && !isLeaf),
    'the root is no branch',
  );
  assert.notEqual((await treeIn('freelist')).freelist, undefined);
  assert.ok((await treeIn('empty')).live.some(({ bucket, inline }) => bucket === 'key' && inline));
});

test('the judge says why, and goes on after a file that kills it', async () => {
  await using judge = await startJudge();
  const { file, holds } = await makeDatabase(BASES.usual);
  const { live, pageSize } = treeOf(file);
  const branch = live.find(({ isLeaf }) => !isLeaf);
  assert.ok(branch?.elements[1]);
  const cycle = Buffer.from(file);
  cycle.writeBigUInt64LE(BigInt(branch.id), branch.elements[1].at + 8);
  assert.match((await judge.judge(cycle)).structure.join(), /died|check/);
  const twice = Buffer.from(file);
  twice.writeBigUInt64LE(BigInt(branch.elements[0]?.child ?? 0), branch.elements[1].at + 8);
  assert.match((await judge.judge(twice)).structure.join(), /multiple references|died/);
  const beyond = Buffer.from(file);
  beyond.writeUInt32LE(2 ** 31, branch.at + 12);
  assert.match((await judge.judge(beyond)).structure.join(), /died|check/);
  assert.match((await judge.judge(file.subarray(0, 4 * pageSize))).structure.join(), /died|open|check/);
  assert.deepEqual(await judge.judge(file), holds);
});
