import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { BASES } from '../../support/bolt-bases.ts';
import { countEntries, readIn, readWhole } from '../../support/bolt-fuzz.ts';
import { makeDatabase, startJudge, type Verdict } from '../../support/bolt-maker.ts';
import { BRANCH, HEAD, LEAF, type Tree, treeOf } from '../../support/bolt-tree.ts';
import { seeded } from '../../support/random.ts';

/** What nothing reaches may say whatever it likes: etcd's own files are full of it. */

const bases = new Map<string, { file: Buffer; holds: Verdict }>();
before(async () => {
  for (const [name, recipe] of Object.entries(BASES)) bases.set(name, await makeDatabase(recipe));
});

function writeHead(
  { file, pageSize }: Tree,
  page: number,
  flags: number,
  count: number,
  overflow: number,
): void {
  const at = page * pageSize;
  file.writeBigUInt64LE(BigInt(page), at + HEAD.id);
  file.writeUInt16LE(flags, at + HEAD.flags);
  file.writeUInt16LE(count, at + HEAD.count);
  file.writeUInt32LE(overflow, at + HEAD.overflow);
}

const atStale = (tree: Tree, change: (page: number, at: number) => void): void =>
  tree.stale.forEach((page) => change(page, page * tree.pageSize));

/** The pages behind the first of each live leaf that lie within one value, where the reader cannot know that. */
function withinValues(tree: Tree): number[] {
  return tree.live.flatMap(({ id, elements, overflow }) =>
    Array.from({ length: overflow }, (_, index) => id + 1 + index).filter((page) =>
      elements.some(
        ({ valueAt, valueLength }) =>
          // What a KeyValue begins and ends with is not of the user's own.
          valueAt + 100 < page * tree.pageSize && valueAt + valueLength - 100 > (page + 1) * tree.pageSize,
      ),
    ),
  );
}

const random = seeded(7);
const HARMLESS: Record<string, (tree: Tree) => void> = {
  'stale pages of zeros': (tree) => atStale(tree, (_, at) => tree.file.fill(0, at, at + tree.pageSize)),
  'stale pages of noise': (tree) =>
    atStale(tree, (_, at) => {
      for (let offset = 0; offset < tree.pageSize; offset += 1)
        tree.file.writeUInt8(random.below(256), at + offset);
    }),
  'stale leaves and branches of noise': (tree) =>
    atStale(tree, (page, at) => {
      for (let offset = 0; offset < tree.pageSize; offset += 1)
        tree.file.writeUInt8(random.below(256), at + offset);
      writeHead(tree, page, random.pick([BRANCH, LEAF]), random.below(40), random.below(4));
    }),
  'stale pages that are torn in the middle': (tree) =>
    atStale(tree, (_, at) => tree.file.fill(0, at + tree.pageSize / 2, at + tree.pageSize)),
  'stale leaves that go on over all that follows': (tree) =>
    atStale(tree, (page) => writeHead(tree, page, LEAF, 2, tree.pages - page - 1)),
  'stale leaves that go on behind the end': (tree) =>
    atStale(tree, (page) => writeHead(tree, page, LEAF, 2, 2 ** 32 - 1)),
  'stale branches that lead to live pages, and in a circle': (tree) =>
    atStale(tree, (page, at) => {
      writeHead(tree, page, BRANCH, 2, 0);
      for (const [index, child] of [page, random.pick(tree.live).id].entries()) {
        const element = at + 16 + 16 * index;
        tree.file.writeUInt32LE(32 - 16 * index + 17 * index, element);
        tree.file.writeUInt32LE(17, element + 4);
        tree.file.writeBigUInt64LE(BigInt(child), element + 8);
      }
    }),
  'stale free lists': (tree) => atStale(tree, (page) => writeHead(tree, page, 16, 0xffff, 0)),
  'stale pages with the flags of none': (tree) => atStale(tree, (page) => writeHead(tree, page, 0, 9, 9)),
  'values whose own pages look like leaves, branches and free lists': (tree) =>
    withinValues(tree).forEach((page) =>
      writeHead(
        tree,
        page,
        random.pick([BRANCH, LEAF, 16]),
        random.below(5),
        random.pick([0, 1, 2, 2 ** 31]),
      ),
    ),
  'values that hold a copy of a live page, with their own number': (tree) =>
    withinValues(tree).forEach((page) => {
      const { id } = random.pick(tree.live);
      tree.file.copy(tree.file, page * tree.pageSize, id * tree.pageSize, (id + 1) * tree.pageSize);
      tree.file.writeBigUInt64LE(BigInt(page), page * tree.pageSize);
    }),
  'noise behind the last value of a page': (tree) =>
    tree.live
      .filter(({ inline, elements }) => !inline && elements.length > 0)
      .forEach(({ at, elements, overflow }) => {
        const last = elements.at(-1);
        const used = last === undefined ? 0 : last.valueAt + last.valueLength;
        tree.file.fill(0xee, used, at + (overflow + 1) * tree.pageSize);
      }),
};

for (const [what, change] of Object.entries(HARMLESS)) {
  describe(`nothing is wrong with ${what}`, () => {
    for (const name of Object.keys(BASES))
      test(name, () => {
        const base = bases.get(name);
        const tree = treeOf(Buffer.from(base?.file ?? ''));
        const sound = readWhole(tree.file);
        assert.equal(sound.kind, 'sound');
        change(tree);
        assert.deepEqual(readWhole(tree.file), sound);
        assert.deepEqual(
          readIn(tree.file, () => random.below(3000) + 1),
          sound,
        );
        assert.equal(countEntries(sound.structure, tree.file), base?.holds.keys.key ?? 0);
      });
  });
}

test('bbolt says so too', async () => {
  await using judge = await startJudge();
  for (const [name, { file, holds }] of bases)
    for (const [what, change] of Object.entries(HARMLESS)) {
      const tree = treeOf(Buffer.from(file));
      change(tree);
      assert.deepEqual(await judge.judge(tree.file), holds, `${name}: ${what}`);
    }
});

test('there are stale pages, and pages within values, to say so of', () => {
  const tree = treeOf(bases.get('deep')?.file ?? Buffer.alloc(0));
  assert.ok(tree.stale.length > 10, `${tree.stale.length}`);
  assert.ok(withinValues(tree).length > 2, `${withinValues(tree).length}`);
});
