import { fnv1a, META } from './bolt-file.ts';
import { HEAD, IN_BRANCH, IN_LEAF, type Page, type Tree } from './bolt-tree.ts';
import type { Random } from './random.ts';

/**
 * Changes a database at random: mostly where its structure is, for a change within a value is nobody's business here.
 * Each takes the whole file and changes it in place.
 */
type Mutation = (random: Random, file: Buffer, tree: Tree) => void;

export interface Mutated {
  file: Buffer;
  /** what was done, in order */
  done: string[];
}

const pagesAt = ({ file, pageSize }: Tree): number => file.length / pageSize;

/** Numbers at the edges of what a field can have. */
function odd(random: Random, tree: Tree, bits: 16 | 32 | 64): bigint {
  const pages = pagesAt(tree);
  const most = 2n ** BigInt(bits) - 1n;
  const near = [
    0,
    1,
    2,
    3,
    4,
    16,
    17,
    18,
    255,
    tree.pageSize,
    pages - 1,
    pages,
    pages + 1,
    random.below(pages),
  ];
  const value = random.pick([
    ...near.map(BigInt),
    most,
    most - 1n,
    most >> 1n,
    (most >> 1n) + 1n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n,
  ]);
  return value & most;
}

function writeNumber(file: Buffer, at: number, bits: 16 | 32 | 64, value: bigint): void {
  if (bits === 16) file.writeUInt16LE(Number(value), at);
  else if (bits === 32) file.writeUInt32LE(Number(value), at);
  else file.writeBigUInt64LE(value, at);
}

function readNumber(file: Buffer, at: number, bits: 16 | 32 | 64): bigint {
  if (bits === 64) return file.readBigUInt64LE(at);
  return BigInt(bits === 16 ? file.readUInt16LE(at) : file.readUInt32LE(at));
}

/** Sets a field to an odd number, to one near its own, or flips a bit of it. */
function changeField(random: Random, file: Buffer, tree: Tree, at: number, bits: 16 | 32 | 64): void {
  const most = 2n ** BigInt(bits) - 1n;
  const now = readNumber(file, at, bits);
  const step = BigInt(random.pick([-16, -2, -1, 1, 2, 16]));
  const values = [odd(random, tree, bits), (now + step) & most, now ^ (1n << BigInt(random.below(bits)))];
  writeNumber(file, at, bits, random.pick(values));
}

const elementsOf = (random: Random, { elements }: Page) =>
  elements.length === 0 ? undefined : random.pick(elements);

const flipAnywhere: Mutation = (random, file) => {
  const at = random.below(file.length);
  file.writeUInt8(file.readUInt8(at) ^ (1 << random.below(8)), at);
};

const changeHead: Mutation = (random, file, tree) => {
  const { at } = random.pick(tree.live);
  const [offset, bits] = random.pick<[number, 16 | 32 | 64]>([
    [HEAD.id, 64],
    [HEAD.flags, 16],
    [HEAD.count, 16],
    [HEAD.overflow, 32],
  ]);
  changeField(random, file, tree, at + offset, bits);
};

const changeElement: Mutation = (random, file, tree) => {
  const page = random.pick(tree.live);
  const element = elementsOf(random, page);
  if (element === undefined) return;
  const [offset, bits] = page.isLeaf
    ? ([random.pick(Object.values(IN_LEAF)), 32] as const)
    : random.pick<[number, 32 | 64]>([
        [IN_BRANCH.position, 32],
        [IN_BRANCH.keyLength, 32],
        [IN_BRANCH.child, 64],
      ]);
  changeField(random, file, tree, element.at + offset, bits);
};

/** So that what comes behind it still lies where the element before it ends. */
const moveBetweenKeyAndValue: Mutation = (random, file, tree) => {
  const page = random.pick(tree.live.filter(({ isLeaf }) => isLeaf));
  const element = elementsOf(random, page);
  if (element === undefined) return;
  const by = random.pick([-18, -1, 1, 2]);
  if (element.keyLength + by < 0 || element.valueLength - by < 0) return;
  file.writeUInt32LE(element.keyLength + by, element.at + IN_LEAF.keyLength);
  file.writeUInt32LE(element.valueLength - by, element.at + IN_LEAF.valueLength);
};

const changeKey: Mutation = (random, file, tree) => {
  const element = elementsOf(random, random.pick(tree.live));
  if (element === undefined || element.keyLength === 0) return;
  const at = element.keyAt + random.below(element.keyLength);
  file.writeUInt8(random.pick([0, 0x5f, 0x74, 0xff, file.readUInt8(at) ^ 1, random.below(256)]), at);
};

/** The head of a value is a bucket's, or the beginning of a `KeyValue`. */
const changeValuesBeginning: Mutation = (random, file, tree) => {
  const page = random.pick(tree.live.filter(({ isLeaf }) => isLeaf));
  const element = elementsOf(random, page);
  if (element === undefined || element.valueLength === 0) return;
  const at = element.valueAt + random.below(Math.min(element.valueLength, 40));
  file.writeUInt8(random.pick([0, 1, 0x7f, 0x80, 0xff, file.readUInt8(at) ^ 8, random.below(256)]), at);
};

const leadElsewhere: Mutation = (random, file, tree) => {
  const branches = tree.live.filter(({ isLeaf }) => !isLeaf);
  const element = branches.length === 0 ? undefined : elementsOf(random, random.pick(branches));
  if (element === undefined) return;
  const child = random.pick([random.pick(tree.live).id, random.below(pagesAt(tree))]);
  file.writeBigUInt64LE(BigInt(child), element.at + IN_BRANCH.child);
};

const leadBucketElsewhere: Mutation = (random, file, tree) => {
  const buckets = tree.live.flatMap(({ elements }) => elements.filter(({ isBucket }) => isBucket));
  const root = random.pick([0, 1, random.pick(tree.live).id, random.below(pagesAt(tree))]);
  file.writeBigUInt64LE(BigInt(root), random.pick(buckets).valueAt);
};

const atPage = (file: Buffer, { pageSize }: Tree, id: number): Buffer =>
  file.subarray(id * pageSize, (id + 1) * pageSize);

const swapPages: Mutation = (random, file, tree) => {
  const [one, other] = [
    random.pick(tree.live).id,
    random.pick([random.pick(tree.live).id, random.below(pagesAt(tree))]),
  ];
  const kept = Buffer.from(atPage(file, tree, one));
  atPage(file, tree, other).copy(atPage(file, tree, one));
  kept.copy(atPage(file, tree, other));
  if (random.below(2) === 0) return;
  file.writeBigUInt64LE(BigInt(one), one * tree.pageSize);
  file.writeBigUInt64LE(BigInt(other), other * tree.pageSize);
};

const copyPage: Mutation = (random, file, tree) => {
  const [from, to] = [random.below(pagesAt(tree)), random.pick(tree.live).id];
  atPage(file, tree, from).copy(atPage(file, tree, to));
  if (random.below(2) === 0) file.writeBigUInt64LE(BigInt(to), to * tree.pageSize);
};

/** As a write that was torn leaves it. */
const tearPage: Mutation = (random, file, tree) => {
  const page = atPage(file, tree, random.pick([random.pick(tree.live).id, random.below(pagesAt(tree))]));
  const begin = random.below(page.length);
  const end = random.pick([page.length, Math.min(page.length, begin + random.below(64))]);
  page.fill(random.pick([0, 0xff, random.below(256)]), begin, end);
};

const copyBytes: Mutation = (random, file) => {
  const length = random.pick([1, 8, 16, 64, 300]);
  const from = random.below(file.length - length);
  file.copy(file, random.below(file.length - length), from, from + length);
};

const changeFreelist: Mutation = (random, file, tree) => {
  if (tree.freelist === undefined) return;
  const at = tree.freelist * tree.pageSize;
  const entry = at + 16 + 8 * random.below(file.readUInt16LE(at + HEAD.count) + 1);
  file.writeBigUInt64LE(random.pick([odd(random, tree, 64), BigInt(random.pick(tree.live).id)]), entry);
};

/** Both metas, signed anew: what a checksum says nothing of. */
const changeMetas: Mutation = (random, file, tree) => {
  const [offset, bits] = random.pick<[number, 32 | 64]>([
    [META.pageSize, 32],
    [META.root, 64],
    [META.freelist, 64],
    [META.pages, 64],
  ]);
  const value = random.pick([odd(random, tree, bits), BigInt(random.pick(tree.live).id)]);
  for (const meta of [0, tree.pageSize]) {
    writeNumber(file, meta + offset, bits, value);
    const signed = file.subarray(meta + META.magic, meta + META.checksum);
    file.writeBigUInt64LE(fnv1a(signed), meta + META.checksum);
  }
};

const MUTATIONS: Record<string, { weight: number; mutate: Mutation }> = {
  flipAnywhere: { weight: 8, mutate: flipAnywhere },
  changeHead: { weight: 6, mutate: changeHead },
  changeElement: { weight: 8, mutate: changeElement },
  moveBetweenKeyAndValue: { weight: 3, mutate: moveBetweenKeyAndValue },
  changeKey: { weight: 5, mutate: changeKey },
  changeValuesBeginning: { weight: 5, mutate: changeValuesBeginning },
  leadElsewhere: { weight: 3, mutate: leadElsewhere },
  leadBucketElsewhere: { weight: 3, mutate: leadBucketElsewhere },
  swapPages: { weight: 3, mutate: swapPages },
  copyPage: { weight: 3, mutate: copyPage },
  tearPage: { weight: 4, mutate: tearPage },
  copyBytes: { weight: 3, mutate: copyBytes },
  changeFreelist: { weight: 2, mutate: changeFreelist },
  changeMetas: { weight: 1, mutate: changeMetas },
};
const WEIGHED = Object.entries(MUTATIONS).flatMap(([name, { weight, mutate }]) =>
  Array.from({ length: weight }, () => ({ name, mutate })),
);

/** A changed copy of a sound database; one in twenty is also cut short. */
export function mutated(random: Random, tree: Tree): Mutated {
  const file = Buffer.from(tree.file);
  const times = random.pick([1, 1, 1, 1, 2, 3]);
  const done: string[] = [];
  for (let i = 0; i < times; i += 1) {
    const { name, mutate } = random.pick(WEIGHED);
    mutate(random, file, tree);
    done.push(name);
  }
  if (random.below(20) > 0) return { file, done };
  return { file: file.subarray(0, random.below(file.length)), done: [...done, 'cut'] };
}
