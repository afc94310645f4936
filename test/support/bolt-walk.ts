import assert from 'node:assert/strict';
import type { Entry, EntryVisitor } from '../../src/bolt/entries.ts';
import { META, PAGE_HEADER_BYTES } from './bolt-file.ts';

/** What a database of etcd's says, read from a whole file in memory, with none of the checks of src/bolt. */
export interface WalkedDatabase {
  /** the places of the leaves of the bucket `key`, in the order of their revisions */
  leaves: number[];
  /** in those leaves */
  entries: number;
  /** the last that it has */
  revision: number;
  /** -1 where there was none */
  finishedCompactRevision: number;
  /** -1 where there was none */
  scheduledCompactRevision: number;
  /** Tells the visitor of every entry, the leaves in this order of their ranks; as they lie in the file when left out. */
  visit(visitor: EntryVisitor, ranks?: readonly number[]): void;
}

const BRANCH_FLAG = 1;
const ELEMENT_BYTES = 16;
const BUCKET_HEAD_BYTES = 16;
const REVISION_BYTES = 17;
const TOMBSTONE_BYTES = 18;
/** Of the fields `key` and `value` in etcd's `KeyValue`. */
const KEY_TAG = 0x0a;
const VALUE_TAG = 0x2a;

interface Item {
  key: Buffer;
  value: Buffer;
  /** where the key is in the file; the value is behind it */
  at: number;
}

/** Reads a snapshot as `etcdctl snapshot save` writes it, with or without its checksum. */
export function walkDatabase(file: Buffer): WalkedDatabase {
  const buckets = byName(file, leavesBelow(file, numberAt(file, META.root)));
  const leavesOf = (bucket: string) =>
    bucketLeaves(file, buckets.get(bucket)).filter((leaf) => file.readUInt16LE(leaf + 10) > 0);
  const meta = byName(file, leavesOf('meta'));
  const leaves = leavesOf('key');
  const counts = leaves.map((leaf) => file.readUInt16LE(leaf + 10));
  const last = leaves.length === 0 ? undefined : itemsOf(file, leaves.at(-1) ?? 0).at(-1);
  const revisionOf = (name: string) => {
    const item = meta.get(name);
    return item === undefined ? -1 : numberBe(item.value, 0);
  };
  const inFileOrder = () =>
    leaves.map((_, rank) => rank).toSorted((a, b) => (leaves[a] ?? 0) - (leaves[b] ?? 0));
  return {
    leaves,
    entries: counts.reduce((sum, count) => sum + count, 0),
    revision: last === undefined ? 1 : numberBe(last.key, 0),
    finishedCompactRevision: revisionOf('finishedCompactRev'),
    scheduledCompactRevision: revisionOf('scheduledCompactRev'),
    visit(visitor, ranks = inFileOrder()) {
      for (const rank of ranks) visitLeaf(file, leaves[rank] ?? 0, rank, visitor);
    },
  };
}

function visitLeaf(file: Buffer, leaf: number, rank: number, visitor: EntryVisitor): void {
  const items = itemsOf(file, leaf);
  const start = leaf;
  const last = items.at(-1);
  // As a reader would have it: a buffer that the next leaf comes into, at another place.
  const bytes = Buffer.from(
    file.subarray(start, last === undefined ? start : last.at + last.key.length + last.value.length),
  );
  visitor.leaf?.(rank, items.length);
  for (const item of items) visitor.entry(entryOf(item, bytes, start));
  bytes.fill(0);
}

function entryOf({ key, value, at }: Item, bytes: Buffer, start: number): Entry {
  assert.ok(key.length === REVISION_BYTES || key.length === TOMBSTONE_BYTES);
  const recordAt = at - start;
  const valueAt = recordAt + key.length;
  const entry: Entry = {
    main: numberBe(key, 0),
    sub: numberBe(key, 9),
    isTombstone: key.length === TOMBSTONE_BYTES,
    bytes,
    keyAt: valueAt,
    keyLength: 0,
    key: -1,
    valueLength: 0,
    recordAt,
    recordEnd: valueAt + value.length,
  };
  for (let next = 0; next < value.length; ) {
    const tag = value[next] ?? 0;
    const first = varint(value, next + 1);
    if (tag === KEY_TAG) Object.assign(entry, { keyAt: valueAt + first.end, keyLength: first.number });
    if (tag === VALUE_TAG) entry.valueLength = first.number;
    next = (tag & 7) === 2 ? first.end + first.number : first.end;
  }
  return entry;
}

const byName = (file: Buffer, leaves: number[]): Map<string, Item> =>
  new Map(leaves.flatMap((leaf) => itemsOf(file, leaf)).map((item) => [item.key.toString(), item]));

/** An inline bucket has its only page behind its head, in its parent. */
function bucketLeaves(file: Buffer, bucket: Item | undefined): number[] {
  if (bucket === undefined) return [];
  const { at, key, value } = bucket;
  const root = numberAt(value, 0);
  return root === 0 ? [at + key.length + BUCKET_HEAD_BYTES] : leavesBelow(file, root);
}

function leavesBelow(file: Buffer, page: number): number[] {
  const at = page * file.readUInt32LE(META.pageSize);
  if ((file.readUInt16LE(at + 8) & BRANCH_FLAG) === 0) return [at];
  const count = file.readUInt16LE(at + 10);
  return Array.from({ length: count }, (_, index) =>
    leavesBelow(file, numberAt(file, at + PAGE_HEADER_BYTES + index * ELEMENT_BYTES + 8)),
  ).flat();
}

function itemsOf(file: Buffer, leaf: number): Item[] {
  return Array.from({ length: file.readUInt16LE(leaf + 10) }, (_, index) => {
    const element = leaf + PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
    const at = element + file.readUInt32LE(element + 4);
    const valueAt = at + file.readUInt32LE(element + 8);
    const end = valueAt + file.readUInt32LE(element + 12);
    return { key: file.subarray(at, valueAt), value: file.subarray(valueAt, end), at };
  });
}

const numberAt = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));
const numberBe = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64BE(at));

function varint(bytes: Buffer, at: number): { number: number; end: number } {
  let number = 0;
  for (let next = at, scale = 1; ; next += 1, scale *= 128) {
    const byte = bytes[next] ?? 0;
    number += (byte & 127) * scale;
    if (byte < 128) return { number, end: next + 1 };
  }
}
