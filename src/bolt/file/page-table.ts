import type { FindingCode } from './findings.ts';
import {
  BUCKET_ELEMENT,
  ELEMENT_BYTES,
  LEAF_PAGE,
  MAX_KEY_BYTES,
  PAGE_HEADER_BYTES,
  type PageHead,
  pageIdAt,
  type Part,
} from './layout.ts';

/** A page that is one of the tree's by its own word, with all of its first page at hand. */
export interface Candidate {
  head: PageHead;
  /** offsets in the file */
  start: number;
  firstEnd: number;
  end: number;
  littleEndian: boolean;
}

/**
 * Where the keys and values of a page are. bbolt writes them one behind the other without a gap, and their table into the
 * first page: a page that goes on has a few elements only (bbolt's node.go, split).
 */
export interface Table {
  count: number;
  isLeaf: boolean;
  flags: Uint32Array;
  keySizes: Uint32Array;
  valueSizes: Uint32Array;
  children: Float64Array;
}

/** More than a page's count can say. */
export const MAX_ELEMENTS = 2 ** 16;
export const newTable = (elements: number): Table => ({
  count: 0,
  isLeaf: false,
  flags: new Uint32Array(elements),
  keySizes: new Uint32Array(elements),
  valueSizes: new Uint32Array(elements),
  children: new Float64Array(elements),
});

/** @returns what is wrong with it */
export function readTable(table: Table, { view, from }: Part, candidate: Candidate): FindingCode | undefined {
  const { head, start, firstEnd, end, littleEndian } = candidate;
  const { count } = head;
  table.count = count;
  table.isLeaf = head.flags === LEAF_PAGE;
  if (count === 0) return table.isLeaf ? undefined : 'no-children';
  const first = start - from + PAGE_HEADER_BYTES;
  let next = first + count * ELEMENT_BYTES;
  if (next > firstEnd - from) return 'element';
  for (let index = 0, at = first; index < count; index += 1, at += ELEMENT_BYTES) {
    const wrong = readRow(table, index, view, at, littleEndian);
    if (wrong !== undefined) return wrong;
    const position = view.getUint32(table.isLeaf ? at + 4 : at, littleEndian);
    if (at + position !== next) return 'element';
    next += (table.keySizes[index] ?? 0) + (table.valueSizes[index] ?? 0);
    if (next > end - from) return 'element';
  }
  return undefined;
}

function readRow(
  table: Table,
  index: number,
  view: DataView,
  at: number,
  littleEndian: boolean,
): FindingCode | undefined {
  const keySize = view.getUint32(table.isLeaf ? at + 8 : at + 4, littleEndian);
  table.keySizes[index] = keySize;
  if (table.isLeaf) {
    const flags = view.getUint32(at, littleEndian);
    table.flags[index] = flags;
    table.valueSizes[index] = view.getUint32(at + 12, littleEndian);
    if (flags > BUCKET_ELEMENT) return 'element-kind';
  } else {
    table.valueSizes[index] = 0;
    table.children[index] = pageIdAt(view, at + 8, littleEndian);
  }
  return keySize === 0 || keySize > MAX_KEY_BYTES ? 'key-size' : undefined;
}
