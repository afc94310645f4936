import { boltFile, META } from './bolt-file.ts';
import {
  type BranchElement,
  branchKeys,
  bucketAt,
  inlineBucket,
  type LeafElement,
  writeBranch,
  writeLeaf,
  writeStale,
} from './bolt-pages.ts';

/**
 * A database of etcd's of any size, made piece by piece as it is asked for: nothing of it is ever on a disk or in memory
 * whole. Every key is written once a round, with zeros for values; nothing was compacted. The leaves of the bucket `key`
 * lie in groups, which lie in no order. The last leaf of a group has overflow pages, and its second key is on one of
 * them; behind it lies a page that nothing leads to.
 */
export interface GeneratedDatabase {
  bytes: number;
  pages: number;
  keys: number;
  revisions: number;
  /** the newest */
  revision: number;
  /** The file. A piece is overwritten when the next one is asked for. */
  chunks(): Generator<Buffer, void>;
}

const PAGE_BYTES = 4096;
const ROOT = 2;
const FIRST_GROUP = 3;
const LEAVES_IN_GROUP = 64;
const OVERFLOW_PAGES = 15;
const GROUP_PAGES = LEAVES_IN_GROUP + OVERFLOW_PAGES + 1;
const ENTRIES_IN_LEAF = 2;
const VALUE_BYTES = 1900;
const LARGE_VALUE_BYTES = OVERFLOW_PAGES * PAGE_BYTES;
/** Neighbours are so many groups apart: a prime that divides no number of groups here. */
const STRIDE = 1_000_003;
const FIRST_REVISION = 2;
const REVISION_BYTES = 17;
const FANOUT = branchKeys(PAGE_BYTES, REVISION_BYTES);
const RESOURCES = ['configmaps', 'events', 'pods', 'secrets'];
const NAMESPACES = 250;

const IN_META: LeafElement[] = [
  { key: Buffer.from('consistent_index'), value: Buffer.from('000000003b9aca00', 'hex') },
  { key: Buffer.from('storageVersion'), value: Buffer.from('3.6.0') },
  { key: Buffer.from('term'), value: Buffer.from('0000000000000002', 'hex') },
];

/** One level of the tree's branch pages, those next to the leaves first. */
interface Level {
  firstPage: number;
  pages: number;
  /** leaves below one of its pages */
  leaves: number;
}

/** @param about bytes; all groups are whole ones, and there are two at least */
export function generatedDatabase(about: number, keys: number): GeneratedDatabase {
  const groups = Math.max(2, Math.ceil(about / (GROUP_PAGES * PAGE_BYTES)));
  const leaves = groups * LEAVES_IN_GROUP;
  const revisions = leaves * ENTRIES_IN_LEAF;
  const branches = FIRST_GROUP + groups * GROUP_PAGES;
  const levels = levelsOver(leaves, branches);
  const pages = branches + levels.reduce((sum, level) => sum + level.pages, 0);
  const places = placesOf(groups);
  const pageOf = (leaf: number): number =>
    FIRST_GROUP + Number(places[Math.floor(leaf / LEAVES_IN_GROUP)]) * GROUP_PAGES + (leaf % LEAVES_IN_GROUP);

  function* chunks(): Generator<Buffer, void> {
    yield headOf(pages);
    const group = Buffer.alloc(GROUP_PAGES * PAGE_BYTES);
    for (let place = 0; place < groups; place += 1) {
      group.fill(0);
      writeGroup(group, FIRST_GROUP + place * GROUP_PAGES, (place * STRIDE) % groups, keys);
      yield group;
    }
    const page = Buffer.alloc(PAGE_BYTES);
    for (const [depth, level] of levels.entries()) {
      const below = levels[depth - 1];
      const childOf = (leaf: number): number =>
        below === undefined ? pageOf(leaf) : below.firstPage + leaf / below.leaves;
      for (let number = 0; number < level.pages; number += 1) {
        page.fill(0);
        const first = number * level.leaves;
        const elements = branchElements(
          first,
          Math.min(leaves, first + level.leaves),
          below?.leaves ?? 1,
          childOf,
        );
        writeBranch(page, level.firstPage + number, elements);
        yield page;
      }
    }
  }

  return {
    bytes: pages * PAGE_BYTES,
    pages,
    keys,
    revisions,
    revision: FIRST_REVISION + revisions - 1,
    chunks,
  };
}

function levelsOver(leaves: number, firstPage: number): Level[] {
  const levels: Level[] = [];
  let below = 1;
  let first = firstPage;
  do {
    below *= FANOUT;
    const level: Level = { firstPage: first, pages: Math.ceil(leaves / below), leaves: below };
    levels.push(level);
    first += level.pages;
  } while (below < leaves);
  return levels;
}

/** Where each group lies: the way back from a place to its group, turned around. */
function placesOf(groups: number): Uint32Array {
  const places = new Uint32Array(groups);
  for (let place = 0; place < groups; place += 1) places[(place * STRIDE) % groups] = place;
  return places;
}

/** The two metas and the root, in which all buckets but one are inline, as etcd's are. */
function headOf(pages: number): Buffer {
  const head = boltFile({
    pages: FIRST_GROUP,
    pageBytes: PAGE_BYTES,
    change: (meta) => void meta.writeBigUInt64LE(BigInt(pages), META.pages),
  });
  writeLeaf(head.subarray(ROOT * PAGE_BYTES), ROOT, [
    ...['alarm', 'auth', 'authRoles', 'authUsers', 'cluster'].map((name) => bucketOf(name)),
    bucketOf('key', bucketAt(pages - 1)),
    ...['lease', 'members', 'members_removed'].map((name) => bucketOf(name)),
    bucketOf('meta', inlineBucket(IN_META)),
  ]);
  return head;
}

const bucketOf = (name: string, value = inlineBucket([])): LeafElement => ({
  key: Buffer.from(name),
  value,
  isBucket: true,
});

function writeGroup(bytes: Buffer, firstPage: number, group: number, keys: number): void {
  const last = LEAVES_IN_GROUP - 1;
  for (let leaf = 0; leaf < LEAVES_IN_GROUP; leaf += 1) {
    const first = (group * LEAVES_IN_GROUP + leaf) * ENTRIES_IN_LEAF;
    const elements = [
      entry(first, keys, leaf === last ? LARGE_VALUE_BYTES : VALUE_BYTES),
      entry(first + 1, keys, VALUE_BYTES),
    ];
    writeLeaf(
      bytes.subarray(leaf * PAGE_BYTES),
      firstPage + leaf,
      elements,
      leaf === last ? OVERFLOW_PAGES : 0,
    );
  }
  const stale = GROUP_PAGES - 1;
  writeStale(bytes.subarray(stale * PAGE_BYTES), firstPage + stale);
}

/** Those of the nodes whose first leaves are `first`, `first + step`, ... below `end`. */
function branchElements(
  first: number,
  end: number,
  step: number,
  pageOf: (leaf: number) => number,
): BranchElement[] {
  const elements: BranchElement[] = [];
  for (let leaf = first; leaf < end; leaf += step)
    elements.push({ key: revisionKey(leaf * ENTRIES_IN_LEAF), page: pageOf(leaf) });
  return elements;
}

/** The write with that number, counted from 0, as etcd's bucket `key` has it. */
function entry(number: number, keys: number, valueBytes: number): LeafElement {
  const key = number % keys;
  const name = Buffer.from(
    `/registry/${RESOURCES[key % RESOURCES.length]}/namespace-${key % NAMESPACES}/object-${key}`,
  );
  const head = Buffer.alloc(name.length + 40);
  let at = bytesField(head, 0, 1, name.length);
  at += name.copy(head, at);
  at = numberField(head, at, 2, FIRST_REVISION + key);
  at = numberField(head, at, 3, FIRST_REVISION + number);
  at = numberField(head, at, 4, Math.floor(number / keys) + 1);
  at = bytesField(head, at, 5, valueBytes);
  return { key: revisionKey(number), value: head.subarray(0, at), zeros: valueBytes };
}

function revisionKey(number: number): Buffer {
  const key = Buffer.alloc(REVISION_BYTES);
  key.writeUInt32BE(FIRST_REVISION + number, 4);
  key.write('_', 8);
  return key;
}

const numberField = (bytes: Buffer, at: number, field: number, value: number): number =>
  varint(bytes, varint(bytes, at, field * 8), value);

const bytesField = (bytes: Buffer, at: number, field: number, length: number): number =>
  varint(bytes, varint(bytes, at, field * 8 + 2), length);

/** Protobuf's, for what fits into 32 bits. @returns where the next byte goes */
function varint(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest > 127) {
    bytes[end++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}
