import { type FreePages, readFreelist } from './freelist.ts';
import { BRANCH_PAGE, FREELIST_PAGE, LEAF_PAGE, pageHead, type Part, partOf } from './layout.ts';
import type { Head } from './meta.ts';
import { type Ended, readPage } from './page-reader.ts';
import type { Candidate } from './page-table.ts';
import { newReadings } from './readings.ts';
import { BROKEN, noteFinding, type Records } from './records.ts';

/** The two metas come first. */
const FIRST_PAGE = 2;

export interface Pages {
  /** Takes the next bytes of the file, which begin there. What is behind the last page is not looked at. */
  take(bytes: Buffer, from: number): Ended;
}

/**
 * Reads each page into its record as the file streams by, whether the tree reaches it or not: etcd's pages lie anywhere,
 * and those that nothing reaches any more may say whatever they like.
 */
export function readPages(head: Head, records: Records, free: FreePages): Pages {
  const { pageSize, pages, littleEndian } = head;
  const fileEnd = pages * pageSize;
  const readings = newReadings();
  const carried = Buffer.allocUnsafe(pageSize);
  let filled = 0;
  /** offset of the next page that begins */
  let next = FIRST_PAGE * pageSize;

  function look(here: Part, piece: Part): Ended {
    const start = next;
    const page = start / pageSize;
    next += pageSize;
    const found = pageHead(here, page, start, littleEndian);
    if (found === undefined) return undefined;
    const isList = page === head.freelist && found.flags === FREELIST_PAGE;
    if (!isList && found.flags !== BRANCH_PAGE && found.flags !== LEAF_PAGE) return undefined;
    const end = start + (found.overflow + 1) * pageSize;
    if (end > fileEnd) {
      records.kinds[page] = BROKEN;
      noteFinding(records, page, 'overflow-outside');
      return undefined;
    }
    const candidate: Candidate = { head: found, start, firstEnd: next, end, littleEndian };
    const read = isList
      ? readFreelist(records, free, pages, here, candidate)
      : readPage(records, here, candidate);
    return typeof read === 'object' ? readings.begin(read, here, piece) : read;
  }

  /** The page that the pieces before ended in the middle of. */
  function carryOn(bytes: Buffer, piece: Part): Ended {
    const from = next + filled - piece.from;
    const taken = bytes.copy(carried, filled, from, Math.min(bytes.length, from + pageSize - filled));
    filled += taken;
    if (filled < pageSize) return undefined;
    filled = 0;
    return look(partOf(carried, next), piece);
  }

  return {
    take(given, from) {
      if (from >= fileEnd) return undefined;
      const bytes = from + given.length > fileEnd ? given.subarray(0, fileEnd - from) : given;
      const piece = partOf(bytes, from);
      let ended = readings.feed(piece);
      if (ended === undefined && filled > 0) ended = carryOn(bytes, piece);
      if (filled > 0) return ended;
      while (ended === undefined && next + pageSize <= piece.to) ended = look(piece, piece);
      return next < piece.to ? (ended ?? carryOn(bytes, piece)) : ended;
    },
  };
}
