import { boltFile, META } from './bolt-file.ts';
import { HEAD } from './bolt-tree.ts';

/** A file that is made as it is read, for it is larger than anybody wants to keep. */
export interface HostileFile {
  pageSize: number;
  /** that it has */
  pages: number;
  /** that it says it has; as many when left out */
  saidPages?: number;
  root?: number;
  /** Writes one page but the metas, into zeros. */
  page?: (bytes: Buffer, id: number) => void;
}

const PIECE_BYTES = 2 ** 18;

/** In pieces; each is only good until the next. */
export function* piecesOf({
  pageSize,
  pages,
  saidPages = pages,
  root = 2,
  page,
}: HostileFile): Generator<Buffer> {
  const change = (meta: Buffer): void => {
    meta.writeBigUInt64LE(BigInt(saidPages), META.pages);
    meta.writeBigUInt64LE(BigInt(root), META.root);
  };
  yield boltFile({ pages: 3, pageBytes: pageSize, change }).subarray(0, 2 * pageSize);
  const piece = Buffer.alloc(PIECE_BYTES);
  const perPiece = PIECE_BYTES / pageSize;
  for (let first = 2; first < pages; first += perPiece) {
    const count = Math.min(perPiece, pages - first);
    piece.fill(0);
    for (let index = 0; index < count; index += 1)
      page?.(piece.subarray(index * pageSize, (index + 1) * pageSize), first + index);
    yield piece.subarray(0, count * pageSize);
  }
}

export function writeHead(page: Buffer, id: number, flags: number, count: number, overflow = 0): void {
  page.writeBigUInt64LE(BigInt(id), HEAD.id);
  page.writeUInt16LE(flags, HEAD.flags);
  page.writeUInt16LE(count, HEAD.count);
  page.writeUInt32LE(overflow, HEAD.overflow);
}

/** The table and the keys of a branch, one behind the other. */
export function writeBranch(page: Buffer, id: number, elements: { key: Buffer; child: number }[]): void {
  writeHead(page, id, 1, elements.length);
  let next = 16 + 16 * elements.length;
  elements.forEach(({ key, child }, index) => {
    const at = 16 + 16 * index;
    page.writeUInt32LE(next - at, at);
    page.writeUInt32LE(key.length, at + 4);
    page.writeBigUInt64LE(BigInt(child), at + 8);
    next += key.copy(page, next);
  });
}

/** The same of a leaf; a value may be longer than what is left of the page, and is cut off there. */
export function writeLeaf(
  page: Buffer,
  id: number,
  elements: { key: Buffer; value: Buffer; valueLength?: number; isBucket?: boolean }[],
  overflow = 0,
): void {
  writeHead(page, id, 2, elements.length, overflow);
  let next = 16 + 16 * elements.length;
  elements.forEach(({ key, value, valueLength = value.length, isBucket = false }, index) => {
    const at = 16 + 16 * index;
    page.writeUInt32LE(Number(isBucket), at);
    page.writeUInt32LE(next - at, at + 4);
    page.writeUInt32LE(key.length, at + 8);
    page.writeUInt32LE(valueLength, at + 12);
    next += key.copy(page, next);
    next += value.copy(page, next);
  });
}

export function revisionKey(main: number): Buffer {
  const key = Buffer.alloc(17);
  key.writeBigUInt64BE(BigInt(main));
  key.write('_', 8);
  return key;
}
