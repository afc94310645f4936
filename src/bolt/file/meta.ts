import { PAGE_HEADER_BYTES } from './layout.ts';

/**
 * The two meta pages with which every database of etcd begins (bbolt's internal/common/meta.go). A snapshot has both of
 * them, written for it by bbolt's `Tx.WriteTo`: the transaction that it is of, and the same with the number before.
 */

/** The bytes are no database of etcd's; the message says why, and goes on after "it is no database of etcd's: ". */
export class NotADatabase extends Error {}

/** bbolt writes in the byte order of its machine, and all machines that etcd is released for but one have this one. */
interface Page {
  header: DataView;
  view: DataView;
  littleEndian: boolean;
}

interface Meta {
  pageSize: number;
  root: bigint;
  freelist: bigint;
  pages: bigint;
  transaction: bigint;
  littleEndian: boolean;
}

/** What the meta pages say of the others. */
export interface Head {
  /** bytes */
  pageSize: number;
  /** the high-water mark: pages from here on were never used */
  pages: number;
  /** the page of the root bucket */
  root: number;
  /** the first page of the list of free ones; undefined where none is kept, as etcd has it on Linux */
  freelist?: number;
  /** of all numbers but those in etcd's own keys */
  littleEndian: boolean;
}

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_FLAG = 0x04;
/** Where each field of a meta is, behind the page's own header. */
const AT = {
  magic: 0,
  version: 4,
  pageSize: 8,
  root: 16,
  freelist: 32,
  pages: 40,
  transaction: 48,
  checksum: 56,
};
const META_BYTES = 64;
const META_END = PAGE_HEADER_BYTES + META_BYTES;
/** What systems have: bbolt takes the one of the machine that the database was made on. */
const MIN_PAGE_BYTES = 512;
const MAX_PAGE_BYTES = 64 * 1024;
const NO_FREELIST = 0xffff_ffff_ffff_ffffn;

/** Reads the head of a database as it streams by. */
export interface HeadReader {
  /** Takes the next bytes of the file, as many as come. @throws NotADatabase as soon as that is certain */
  take(bytes: Buffer): void;
  /** Undefined before both pages came. */
  head(): Head | undefined;
  /** How long the file is by its own word, in bytes: all pages below the high-water mark. */
  databaseBytes(): number | undefined;
}

export function headReader(): HeadReader {
  const head = Buffer.allocUnsafe(MAX_PAGE_BYTES + META_END);
  let filled = 0;
  let found: Head | undefined;
  return {
    take(bytes) {
      if (found !== undefined) return;
      filled += bytes.copy(head, filled);
      found = headIn(head.subarray(0, filled));
    },
    head: () => found,
    databaseBytes: () => found && found.pages * found.pageSize,
  };
}

function headIn(head: Buffer): Head | undefined {
  if (head.length < META_END) return undefined;
  const { pageSize, pages, root, freelist, transaction, littleEndian } = metaAt(head, 0, 0);
  if (head.length < pageSize + META_END) return undefined;
  const second = metaAt(head, pageSize, 1);
  if (
    second.pageSize !== pageSize ||
    second.pages !== pages ||
    second.root !== root ||
    second.freelist !== freelist
  )
    throw new NotADatabase('its two meta pages are not of one transaction');
  if (second.transaction !== transaction - 1n)
    throw new NotADatabase('its two meta pages are of other transactions than a snapshot has');
  return {
    pageSize,
    pages: Number(pages),
    root: Number(root),
    ...(freelist !== NO_FREELIST && { freelist: Number(freelist) }),
    littleEndian,
  };
}

/** The meta of the page that begins there. @throws NotADatabase where bbolt would refuse it */
function metaAt(head: Buffer, offset: number, index: number): Meta {
  const { header, view, littleEndian } = pageAt(head, offset);
  const version = view.getUint32(AT.version, littleEndian);
  if (version !== VERSION)
    throw new NotADatabase(`it has format ${version} of bbolt's files instead of ${VERSION}`);
  if (view.getBigUint64(AT.checksum, littleEndian) !== checksumOf(view))
    throw new NotADatabase('the checksum of a meta page is wrong');
  // The checksum says nothing of what stands before it.
  if (
    header.getBigUint64(0, littleEndian) !== BigInt(index) ||
    header.getUint16(8, littleEndian) !== META_FLAG
  )
    throw new NotADatabase('a meta page does not say that it is one');
  return checked({
    pageSize: view.getUint32(AT.pageSize, littleEndian),
    root: view.getBigUint64(AT.root, littleEndian),
    freelist: view.getBigUint64(AT.freelist, littleEndian),
    pages: view.getBigUint64(AT.pages, littleEndian),
    transaction: view.getBigUint64(AT.transaction, littleEndian),
    littleEndian,
  });
}

function pageAt(head: Buffer, offset: number): Page {
  const header = new DataView(head.buffer, head.byteOffset + offset, PAGE_HEADER_BYTES);
  const view = new DataView(head.buffer, head.byteOffset + offset + PAGE_HEADER_BYTES, META_BYTES);
  for (const littleEndian of [true, false])
    if (view.getUint32(AT.magic, littleEndian) === MAGIC) return { header, view, littleEndian };
  throw new NotADatabase("a meta page does not begin with bbolt's magic number");
}

/** What a checksum says nothing of: the writer may have been wrong. */
function checked(meta: Meta): Meta {
  const { pageSize, root, pages } = meta;
  if (pageSize < MIN_PAGE_BYTES || pageSize > MAX_PAGE_BYTES || (pageSize & (pageSize - 1)) !== 0)
    throw new NotADatabase(`its pages are said to have ${pageSize} bytes`);
  if (pages > BigInt(Math.floor(Number.MAX_SAFE_INTEGER / pageSize)))
    throw new NotADatabase(`it is said to have ${pages} pages`);
  // Two metas and the root at the least; bbolt itself refuses to write anything else.
  if (root < 2n || root >= pages) throw new NotADatabase(`its root is said to be page ${root} of ${pages}`);
  return meta;
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1a, 64 bits, over all that stands before the checksum. */
function checksumOf(meta: DataView): bigint {
  let hash = FNV_OFFSET;
  for (let at = 0; at < AT.checksum; at += 1)
    hash = BigInt.asUintN(64, (hash ^ BigInt(meta.getUint8(at))) * FNV_PRIME);
  return hash;
}
