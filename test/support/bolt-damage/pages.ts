import { BRANCH, HEAD, IN_BRANCH, IN_LEAF, LEAF, type Page, pagesOf, type Tree } from '../bolt-tree.ts';
import {
  nth,
  middle,
  leafOf,
  elementAt,
  leadTo,
  bucketElement,
  rootOf,
  inLeaf,
  inBranch,
  byElement,
  byteOf,
  type Damage,
} from './parts.ts';

export const LEADS_ASTRAY: Damage[] = [
  byElement('two elements of a branch lead to one page', 'twice', (_, branch) => elementAt(branch, 0).child),
  byElement('a branch leads to itself', 'twice', (_, branch) => branch.id),
  byElement('a branch leads back to the one above it', 'twice', (_, branch) => nth(branch.above, -1)),
  byElement(
    "a branch leads to another bucket's page",
    'twice',
    (tree) => rootOf(tree, 'auth') || rootOf(tree, 'key'),
  ),
  byElement('a branch leads to a page behind the last', 'outside', (tree) => tree.pages),
  byElement('a branch leads to a meta page', 'outside', () => 1),
  byElement('a branch leads to a page whose number needs more than 32 bits', 'outside', () => 2 ** 32 - 1),
  byElement('a branch leads to where nothing begins', 'no-page', (tree) => {
    const page = nth(tree.stale, 0);
    tree.file.fill(0, page * tree.pageSize, (page + 1) * tree.pageSize);
    return page;
  }),
  byElement('a branch leads into the middle of a value', 'no-page', (tree) => {
    const { id } = nth(
      pagesOf(tree, 'key', 'leaf').filter(({ overflow }) => overflow > 0),
      -1,
    );
    tree.file.fill(0xab, (id + 1) * tree.pageSize, (id + 1) * tree.pageSize + 16);
    return id + 1;
  }),
  {
    name: 'a branch leads to the page with the wanted number and 2^32 more',
    damage(tree) {
      const branch = middle(tree, 'branch');
      const element = elementAt(branch, 0);
      leadTo(tree, element, 2n ** 32n + BigInt(element.child));
      return { code: 'outside', page: 2 ** 32 - 1, bucket: 'key' };
    },
  },
  {
    name: 'two buckets have one root',
    damage(tree) {
      const root = rootOf(tree, 'key');
      tree.file.writeBigUInt64LE(BigInt(root), bucketElement(tree, 'meta').valueAt);
      return { code: 'twice', page: root, bucket: 'meta' };
    },
  },
  {
    name: 'the root of a bucket is that of the file',
    damage(tree) {
      const root = nth(tree.live, 0).id;
      tree.file.writeBigUInt64LE(BigInt(root), bucketElement(tree, 'key').valueAt);
      return { code: 'twice', page: root, bucket: 'key' };
    },
  },
];

export const OVERFLOWS: Damage[] = [
  inLeaf('a leaf goes on behind the end of the file', 'overflow-outside', ({ file, pages }, { at, id }) =>
    file.writeUInt32LE(pages - id, at + HEAD.overflow),
  ),
  inLeaf('a leaf goes on as far as a number can say', 'overflow-outside', ({ file }, { at }) =>
    file.writeUInt32LE(2 ** 32 - 1, at + HEAD.overflow),
  ),
  {
    name: 'a leaf goes on over another one that lives',
    damage(tree) {
      const ids = new Set(tree.live.map(({ id }) => id));
      // One whose follower comes later in the order of keys: it is what is reached twice.
      const leaves = pagesOf(tree, 'key', 'leaf');
      const place = new Map(leaves.map(({ id }, index) => [id, index]));
      const page = nth(
        leaves.filter(
          ({ id, overflow }, index) => overflow === 0 && ids.has(id + 1) && (place.get(id + 1) ?? -1) > index,
        ),
        0,
      );
      tree.file.writeUInt32LE(1, page.at + HEAD.overflow);
      return { code: 'twice', page: page.id + 1, bucket: 'key' };
    },
  },
];

export const HEADS: Damage[] = [
  inLeaf('a page has the number of another', 'no-page', ({ file }, { at, id }) =>
    file.writeBigUInt64LE(BigInt(id + 1), at),
  ),
  inLeaf('the upper half of a number is not zero', 'no-page', ({ file }, { at }) =>
    file.writeUInt32LE(1, at + 4),
  ),
  ...[0, 3, 4, 16, 0x102].map((flags) =>
    inLeaf(`a leaf has the flags ${flags}`, 'no-page', ({ file }, { at }) =>
      file.writeUInt16LE(flags, at + HEAD.flags),
    ),
  ),
  inLeaf('a leaf has more elements than fit into it', 'element', ({ file }, { at }) =>
    file.writeUInt16LE(0xffff, at + HEAD.count),
  ),
  inLeaf('a leaf has one element more than it has', 'element', ({ file }, { at, elements }) =>
    file.writeUInt16LE(elements.length + 1, at + HEAD.count),
  ),
  inBranch('a branch leads nowhere', 'no-children', ({ file }, { at }) =>
    file.writeUInt16LE(0, at + HEAD.count),
  ),
  inBranch('a branch says that it is a leaf', 'element-kind', ({ file }, { at }) =>
    file.writeUInt16LE(LEAF, at + HEAD.flags),
  ),
  inLeaf('a leaf says that it is a branch', 'element', ({ file }, { at }) =>
    file.writeUInt16LE(BRANCH, at + HEAD.flags),
  ),
];

const setInLeaf =
  (field: keyof typeof IN_LEAF, value: (was: number, page: Page, tree: Tree) => number, index = 1) =>
  (tree: Tree, page: Page): void => {
    const at = elementAt(page, index).at + IN_LEAF[field];
    tree.file.writeUInt32LE(value(tree.file.readUInt32LE(at), page, tree), at);
  };

export const ELEMENTS: Damage[] = [
  inLeaf(
    'a key lies outside of its page',
    'element',
    setInLeaf('position', (_, __, { pageSize }) => pageSize),
  ),
  inLeaf(
    'a key lies as far away as a number can say',
    'element',
    setInLeaf('position', () => 2 ** 32 - 1),
  ),
  inLeaf(
    'a key lies within the table of its page',
    'element',
    setInLeaf('position', () => 0),
  ),
  inLeaf(
    'a value is longer than its page',
    'element',
    setInLeaf('valueLength', () => 2 ** 32 - 1),
  ),
  inLeaf(
    'a value is one byte shorter',
    'element',
    setInLeaf('valueLength', (was) => was - 1),
  ),
  inLeaf(
    'a key is longer than its page',
    'element',
    setInLeaf('keyLength', (_, __, { pageSize }) => pageSize),
  ),
  inLeaf(
    'a key has no bytes',
    'key-size',
    setInLeaf('keyLength', () => 0),
  ),
  inLeaf(
    'an element has flags that bbolt does not know',
    'element-kind',
    setInLeaf('flags', () => 2),
  ),
  inLeaf(
    'a bucket lies in the key space',
    'no-revision',
    setInLeaf('flags', () => 1),
  ),
  inBranch("the key of a branch's element lies outside of its page", 'element', ({ file, pageSize }, page) =>
    file.writeUInt32LE(pageSize, elementAt(page, 1).at + IN_BRANCH.position),
  ),
  inBranch("the key of a branch's element has no bytes", 'key-size', ({ file }, page) =>
    file.writeUInt32LE(0, elementAt(page, 1).at + IN_BRANCH.keyLength),
  ),
];

const swapKeys = ({ file }: Tree, page: Page): void => {
  const [one, other] = [elementAt(page, 0), elementAt(page, 1)];
  const kept = Buffer.from(file.subarray(one.keyAt, one.keyAt + 17));
  file.copy(file, one.keyAt, other.keyAt, other.keyAt + 17);
  kept.copy(file, other.keyAt);
};

export const KEYS: Damage[] = [
  inLeaf('two keys of a leaf are in the wrong order', 'key-order', swapKeys),
  inLeaf('two keys of a leaf are equal', 'key-order', ({ file }, page) =>
    file.copy(file, elementAt(page, 1).keyAt, elementAt(page, 0).keyAt, elementAt(page, 0).keyAt + 17),
  ),
  {
    name: 'the last key of a leaf is behind the first of the next',
    damage(tree) {
      const page = leafOf(tree);
      tree.file.writeUIntBE(2 ** 40, elementAt(page, -1).keyAt + 2, 6);
      // It is seen where the walk goes on: at the branch above, or at one further up.
      const leaves = pagesOf(tree, 'key', 'leaf');
      const next = nth(leaves, leaves.findIndex(({ id }) => id === page.id) + 1);
      const shared = page.above.filter((id) => next.above.includes(id));
      return { code: 'out-of-place', page: nth(shared, -1), bucket: 'key' };
    },
  },
  inLeaf('the first key of a leaf is before that of its branch', 'out-of-place', ({ file }, page) =>
    file.writeUIntBE(1, elementAt(page, 0).keyAt + 2, 6),
  ),
  inBranch('two keys of a branch are in the wrong order', 'key-order', swapKeys),
  {
    name: "a branch's key is behind the first of its child",
    damage(tree) {
      const branch = middle(tree, 'branch', ({ elements }) => elements.length >= 3);
      const element = elementAt(branch, 1);
      tree.file.writeUInt8(tree.file.readUInt8(element.keyAt + 16) + 1, element.keyAt + 16);
      return { code: 'out-of-place', page: element.child, bucket: 'key' };
    },
  },
  {
    name: "a branch's key is before the first of its child, and behind all others",
    damage(tree) {
      const branch = middle(tree, 'branch', ({ elements }) => elements.length >= 3);
      const element = elementAt(branch, 1);
      // The place within the transaction: its revision is larger than the last before it.
      const at = element.keyAt + 7;
      tree.file.writeUInt8(tree.file.readUInt8(at) - 1, at);
      tree.file.writeUInt8(0xff, element.keyAt + 16);
      return { code: 'out-of-place', page: element.child, bucket: 'key' };
    },
  },
  inLeaf(
    'a revision has another sign between its parts',
    'no-revision',
    byteOf(({ keyAt }) => keyAt + 8, 0x2d),
  ),
  inLeaf(
    'a revision is negative',
    'no-revision',
    byteOf(({ keyAt }) => keyAt, 0x80),
  ),
  inLeaf('a revision has one byte less', 'no-revision', ({ file }, page) => {
    const { at, keyLength, valueLength } = elementAt(page, 1);
    file.writeUInt32LE(keyLength - 1, at + IN_LEAF.keyLength);
    file.writeUInt32LE(valueLength + 1, at + IN_LEAF.valueLength);
  }),
];
