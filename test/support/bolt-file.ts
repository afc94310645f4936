import { createHash } from 'node:crypto';

export interface BoltOptions {
  /** All of the file, the two meta pages and the root among them; at least 3. */
  pages: number;
  /** 512 when left out: the smallest that bbolt takes. */
  pageBytes?: number;
  /** What stands behind the root's head, where nothing reads it; zeros when left out. */
  content?: Buffer;
  /** Changes the first meta (0) and the second (1) before they get their checksum. */
  change?: (meta: Buffer, index: number) => void;
  bigEndian?: boolean;
}

/** Where the fields of a meta page are, from the beginning of the page. */
export const META = {
  magic: 16,
  version: 20,
  pageSize: 24,
  root: 32,
  freelist: 48,
  pages: 56,
  transaction: 64,
  checksum: 72,
};
export const PAGE_HEADER_BYTES = 16;
const TRANSACTION = 7n;
const NO_FREELIST = 0xffff_ffff_ffff_ffffn;
const META_FLAG = 4;
const LEAF_FLAG = 2;

/**
 * The smallest database file that bbolt opens, as its `Tx.WriteTo` writes one: two meta pages of one transaction, no free
 * list, an empty leaf for a root, and pages that nothing leads to, which are as good as free.
 */
export function boltFile({
  pages,
  pageBytes = 512,
  content,
  change,
  bigEndian = false,
}: BoltOptions): Buffer {
  const file = Buffer.alloc(pages * pageBytes);
  content?.copy(file, 2 * pageBytes + PAGE_HEADER_BYTES);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const littleEndian = !bigEndian;
  for (const index of [0, 1]) {
    const page = index * pageBytes;
    view.setBigUint64(page, BigInt(index), littleEndian);
    view.setUint16(page + 8, META_FLAG, littleEndian);
    view.setUint32(page + META.magic, 0xed0cdaed, littleEndian);
    view.setUint32(page + META.version, 2, littleEndian);
    view.setUint32(page + META.pageSize, pageBytes, littleEndian);
    view.setBigUint64(page + META.root, 2n, littleEndian);
    view.setBigUint64(page + META.freelist, NO_FREELIST, littleEndian);
    view.setBigUint64(page + META.pages, BigInt(pages), littleEndian);
    view.setBigUint64(page + META.transaction, TRANSACTION - BigInt(index), littleEndian);
    const meta = file.subarray(page, page + META.checksum + 8);
    change?.(meta, index);
    view.setBigUint64(page + META.checksum, fnv1a(meta.subarray(META.magic, META.checksum)), littleEndian);
  }
  view.setBigUint64(2 * pageBytes, 2n, littleEndian);
  view.setUint16(2 * pageBytes + 8, LEAF_FLAG, littleEndian);
  return file;
}

/** What etcd sends of such a file: its bytes and their SHA-256. */
export const withChecksum = (file: Buffer): Buffer =>
  Buffer.concat([file, createHash('sha256').update(file).digest()]);

export function fnv1a(bytes: Buffer): bigint {
  return bytes.reduce(
    (hash, byte) => ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn,
    0xcbf29ce484222325n,
  );
}
