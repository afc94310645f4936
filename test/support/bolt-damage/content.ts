import { elementOf, HEAD, IN_LEAF, pagesOf, type Tree } from '../bolt-tree.ts';
import { nth, leafOf, bucketElement, inLeaf, byteOf, type Damage } from './parts.ts';

export const VALUES: Damage[] = [
  inLeaf(
    'a KeyValue begins with no field',
    'no-key-value',
    byteOf(({ valueAt }) => valueAt, 0),
  ),
  inLeaf(
    'the key of a KeyValue has no bytes but a number',
    'no-key-value',
    byteOf(({ valueAt }) => valueAt, 0x08),
  ),
  inLeaf(
    'the key of a KeyValue is longer than all of it',
    'no-key-value',
    byteOf(({ valueAt }) => valueAt + 1, 0x7f),
  ),
  inLeaf(
    'a KeyValue begins with the end of a group',
    'no-key-value',
    byteOf(({ valueAt }) => valueAt, 0x0c),
  ),
  {
    name: 'a KeyValue is bad behind the first page of its leaf',
    damage(tree) {
      const page = nth(
        pagesOf(tree, 'key', 'leaf').filter(({ at, elements }) =>
          elements.some(({ keyAt }) => keyAt > at + tree.pageSize),
        ),
        0,
      );
      const element = nth(
        page.elements.filter(({ keyAt }) => keyAt > page.at + tree.pageSize),
        0,
      );
      tree.file.writeUInt8(0x0f, element.valueAt);
      return { code: 'no-key-value', page: page.id, bucket: 'key' };
    },
  },
  ...(
    [
      ['a lease begins with no field', 'lease', 'no-lease', 0],
      ['the ID of a lease has a length', 'lease', 'no-lease', 0x0a],
      ['a lease ends within its ID', 'lease', 'no-lease', 0x09],
      ['the member of an alarm has a length', 'alarm', 'no-alarm', 0x0a],
    ] as const
  ).map(
    ([name, bucket, code, byte]): Damage => ({
      name,
      base: 'wide',
      damage(tree) {
        const filled = tree.live.filter(({ bucket: its, elements }) => its === bucket && elements.length > 0);
        const page = nth(filled, -1); // a branch comes before its leaves
        const element = nth(page.elements, -1); // the order stays
        tree.file.writeUInt8(byte, bucket === 'lease' ? element.valueAt : element.keyAt);
        return { code, ...(!page.inline && { page: page.id }), bucket };
      },
    }),
  ),
];

/** The key of an element in a bucket of etcd's is named otherwise, in place. */
const rename = (tree: Tree, bucket: string, key: string, otherwise: string): void => {
  const { element } = elementOf(tree, bucket, key);
  tree.file.write(otherwise, element.keyAt, 'latin1');
};

export const BUCKETS: Damage[] = [
  ...[
    'alarm',
    'auth',
    'authRoles',
    'authUsers',
    'cluster',
    'key',
    'lease',
    'members',
    'members_removed',
    'meta',
  ].map(
    (bucket): Damage => ({
      name: `the bucket ${bucket} is missing`,
      base: 'usual', // its root is one leaf, which no branch tells the first key of
      damage(tree) {
        // Another letter at its end: the order stays.
        const { keyAt, keyLength } = bucketElement(tree, bucket);
        const last = keyAt + keyLength - 1;
        const by = bucket === 'auth' || bucket === 'members' ? -1 : 1;
        tree.file.writeUInt8(tree.file.readUInt8(last) + by, last);
        return { code: 'no-bucket', bucket };
      },
    }),
  ),
  {
    name: 'the root has an element that is no bucket',
    damage(tree) {
      const { page, element } = elementOf(tree, '', 'key');
      tree.file.writeUInt32LE(0, element.at + IN_LEAF.flags);
      return { code: 'element-kind', page: page.id };
    },
  },
  {
    name: 'the head of a bucket is too short',
    damage(tree) {
      const element = bucketElement(tree, 'key');
      // What is taken from the value is given to the key; its bytes stay where they are.
      tree.file.writeUInt32LE(element.keyLength + 1, element.at + IN_LEAF.keyLength);
      tree.file.writeUInt32LE(element.valueLength - 1, element.at + IN_LEAF.valueLength);
      const name = tree.file.toString('utf8', element.keyAt, element.valueAt + 1);
      return { code: 'bucket', bucket: name };
    },
  },
  ...(['flags', 'count', 'overflow'] as const).map(
    (field): Damage => ({
      name: `the ${field} of an inline bucket's page are wrong`,
      damage(tree) {
        const page = nth(
          tree.live.filter(({ inline, elements }) => inline && elements.length > 0),
          0,
        );
        tree.file.writeUInt8(7, page.at + HEAD[field]);
        return { code: field === 'count' ? 'element' : 'bucket', bucket: page.bucket };
      },
    }),
  ),
  {
    name: 'an inline bucket is cut off before its page',
    damage(tree) {
      const { bucket } = nth(
        tree.live.filter(({ inline, elements }) => inline && elements.length === 0),
        0,
      );
      tree.file.writeBigUInt64LE(1n, bucketElement(tree, bucket).valueAt);
      return { code: 'outside', page: 1, bucket };
    },
  },
  {
    name: 'a bucket lies within a bucket',
    base: 'tiny',
    damage(tree) {
      const { page, element } = elementOf(tree, 'meta', 'term');
      tree.file.writeUInt32LE(1, element.at + IN_LEAF.flags);
      return { code: 'element-kind', page: page.id, bucket: 'meta' };
    },
  },
  {
    name: 'there is no consistent_index',
    damage(tree) {
      rename(tree, 'meta', 'consistent_index', 'consistent_indey');
      return { code: 'no-consistent-index', bucket: 'meta' };
    },
  },
  {
    name: 'the consistent_index has 7 bytes',
    damage(tree) {
      const { element } = elementOf(tree, 'meta', 'consistent_index');
      tree.file.writeUInt32LE(element.keyLength + 1, element.at + IN_LEAF.keyLength);
      tree.file.writeUInt32LE(element.valueLength - 1, element.at + IN_LEAF.valueLength);
      return { code: 'no-consistent-index', bucket: 'meta' };
    },
  },
  {
    name: 'the term has 7 bytes',
    damage(tree) {
      const { element } = elementOf(tree, 'meta', 'term');
      // The last of its page: nothing lies behind it.
      tree.file.writeUInt32LE(element.valueLength - 1, element.at + IN_LEAF.valueLength);
      return { code: 'no-term', bucket: 'meta' };
    },
  },
  ...['finishedCompactRev', 'scheduledCompactRev'].map(
    (name): Damage => ({
      name: `${name} is no revision`,
      damage(tree) {
        const { element } = elementOf(tree, 'meta', name);
        tree.file.writeUInt8(0, element.valueAt + 8);
        return { code: 'no-compact-revision', bucket: 'meta' };
      },
    }),
  ),
];

export const FREELISTS: Damage[] = [
  {
    name: 'the list of free pages has one that is used',
    base: 'freelist',
    damage(tree) {
      const { id } = leafOf(tree);
      tree.file.writeBigUInt64LE(BigInt(id), (tree.freelist ?? 0) * tree.pageSize + 16);
      return { code: 'free-and-used', page: id, bucket: 'key' };
    },
  },
  ...(
    [
      ['twice', 1],
      ['behind the last', 'end'],
      ['that is a meta', 'meta'],
    ] as const
  ).map(
    ([name, what]): Damage => ({
      name: `the list of free pages has one ${name}`,
      base: 'freelist',
      damage(tree) {
        const page = tree.freelist ?? 0;
        const first = page * tree.pageSize + 16;
        const wrong = { 1: tree.file.readBigUInt64LE(first + 8), end: BigInt(tree.pages), meta: 1n }[what];
        tree.file.writeBigUInt64LE(wrong, first);
        return { code: 'freelist', page };
      },
    }),
  ),
  {
    name: 'the list of free pages is longer than its page',
    base: 'freelist',
    damage(tree) {
      const page = tree.freelist ?? 0;
      tree.file.writeUInt16LE(0xfffe, page * tree.pageSize + HEAD.count);
      return { code: 'freelist', page };
    },
  },
  {
    name: 'a page is neither reached nor in the list of free pages',
    base: 'freelist',
    damage(tree) {
      const page = (tree.freelist ?? 0) * tree.pageSize;
      const count = tree.file.readUInt16LE(page + HEAD.count) - 1;
      const lost = Number(tree.file.readBigUInt64LE(page + 16 + 8 * count));
      tree.file.writeUInt16LE(count, page + HEAD.count);
      return { code: 'lost', page: lost };
    },
  },
];
