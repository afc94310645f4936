import { PAGE_HEADER_BYTES } from './bolt-file.ts';

const BRANCH = 1;
const LEAF = 2;
const BUCKET = 1;
const ELEMENT_BYTES = 16;

export interface LeafElement {
  key: Buffer;
  value: Buffer;
  /** so many zeros are the rest of the value */
  zeros?: number;
  isBucket?: boolean;
}

export interface BranchElement {
  key: Buffer;
  page: number;
}

/** How many keys of one length fit into a branch page. */
export const branchKeys = (pageBytes: number, keyBytes: number): number =>
  Math.floor((pageBytes - PAGE_HEADER_BYTES) / (ELEMENT_BYTES + keyBytes));

/** Writes a page's own header. */
export function writeHead(page: Buffer, id: number, flags: number, count: number, overflow = 0): void {
  page.writeUInt32LE(id % 2 ** 32, 0);
  page.writeUInt32LE(Math.floor(id / 2 ** 32), 4);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(overflow, 12);
}

/** What nothing leads to and nobody may believe: a leaf that claims to go on over all that follows. */
export const writeStale = (page: Buffer, id: number): void => writeHead(page, id, LEAF, 9, 2 ** 31);

/** Writes a leaf, with its overflow pages, into zeros. */
export function writeLeaf(page: Buffer, id: number, elements: readonly LeafElement[], overflow = 0): void {
  writeHead(page, id, LEAF, elements.length, overflow);
  let at = PAGE_HEADER_BYTES;
  let data = at + elements.length * ELEMENT_BYTES;
  for (const { key, value, zeros = 0, isBucket = false } of elements) {
    page.writeUInt32LE(isBucket ? BUCKET : 0, at);
    page.writeUInt32LE(data - at, at + 4);
    page.writeUInt32LE(key.length, at + 8);
    page.writeUInt32LE(value.length + zeros, at + 12);
    data += key.copy(page, data);
    data += value.copy(page, data) + zeros;
    at += ELEMENT_BYTES;
  }
  if (data > page.length) throw new Error(`page ${id} would have ${data} bytes of ${page.length}`);
}

/** Writes a branch page into zeros. */
export function writeBranch(page: Buffer, id: number, elements: readonly BranchElement[]): void {
  writeHead(page, id, BRANCH, elements.length);
  let at = PAGE_HEADER_BYTES;
  let data = at + elements.length * ELEMENT_BYTES;
  for (const { key, page: child } of elements) {
    page.writeUInt32LE(data - at, at);
    page.writeUInt32LE(key.length, at + 4);
    page.writeBigUInt64LE(BigInt(child), at + 8);
    data += key.copy(page, data);
    at += ELEMENT_BYTES;
  }
}

/** A bucket that has a page of its own: what its parent holds. */
export function bucketAt(root: number): Buffer {
  const bucket = Buffer.alloc(16);
  bucket.writeBigUInt64LE(BigInt(root));
  return bucket;
}

/** A small bucket, which lies in its parent's page. */
export function inlineBucket(elements: readonly LeafElement[]): Buffer {
  const bytes = elements.reduce((sum, { key, value }) => sum + ELEMENT_BYTES + key.length + value.length, 0);
  const page = Buffer.alloc(PAGE_HEADER_BYTES + bytes);
  writeLeaf(page, 0, elements);
  return Buffer.concat([bucketAt(0), page]);
}
