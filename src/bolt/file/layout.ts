/** How bbolt lays its pages out (bbolt's internal/common/page.go, inode.go and bucket.go). */

export const PAGE_HEADER_BYTES = 16;
/** Of a branch's element, and of a leaf's. */
export const ELEMENT_BYTES = 16;
/** In front of an inline bucket's page, and all there is of any other. */
export const BUCKET_HEADER_BYTES = 16;
/** bbolt takes no longer ones. */
export const MAX_KEY_BYTES = 32_768;

export const BRANCH_PAGE = 0x01;
export const LEAF_PAGE = 0x02;
export const FREELIST_PAGE = 0x10;

/** A leaf's element whose value is a bucket. */
export const BUCKET_ELEMENT = 0x01;

const TWO_TO_32 = 2 ** 32;

/** A part of a file that begins there, as it lies in memory. */
export interface Part {
  view: DataView;
  /** offset in the file, in bytes */
  from: number;
  /** of the byte behind it */
  to: number;
}

export const partOf = (bytes: Buffer, from: number): Part => ({
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  from,
  to: from + bytes.length,
});

/** The head of a page that says of itself to be where it is. */
export interface PageHead {
  page: number;
  flags: number;
  count: number;
  /** pages behind the first that belong to it */
  overflow: number;
}

/** Undefined where no page begins: where a value goes on, say, or what never was written. */
export function pageHead(
  { view, from }: Part,
  page: number,
  start: number,
  littleEndian: boolean,
): PageHead | undefined {
  const at = start - from;
  if (pageIdAt(view, at, littleEndian) !== page) return undefined;
  return {
    page,
    flags: view.getUint16(at + 8, littleEndian),
    count: view.getUint16(at + 10, littleEndian),
    overflow: view.getUint32(at + 12, littleEndian),
  };
}

/** Exact up to 2^53; what is more is of no page that there is. */
export const pageIdAt = (view: DataView, at: number, littleEndian: boolean): number => {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? second * TWO_TO_32 + first : first * TWO_TO_32 + second;
};
