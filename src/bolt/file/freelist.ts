import { PAGE_HEADER_BYTES, pageIdAt, type Part } from './layout.ts';
import type { Reading } from './page-reader.ts';
import type { Candidate } from './page-table.ts';
import { FREELIST, noteFinding, type Records } from './records.ts';

const ID_BYTES = 8;
/** Then the number of pages stands in front of them, since the page's own count has 16 bits only. */
const MANY = 0xffff;
const AT_ONCE = 512;

/** The pages that are free, a bit for each. */
export type FreePages = Uint8Array;

export const isFree = (free: FreePages, page: number): boolean =>
  ((free[page >> 3] ?? 0) & (1 << (page & 7))) !== 0;

/** Reads the list of free pages into `free`, where a meta names one (bbolt's internal/freelist). */
export function* readFreelist(
  records: Records,
  free: FreePages,
  pages: number,
  part: Part,
  { head, start, end, littleEndian }: Candidate,
): Reading {
  records.kinds[head.page] = FREELIST;
  records.overflows[head.page] = head.overflow;
  let here = part;
  let at = start + PAGE_HEADER_BYTES;
  let left = head.count;
  if (left === MANY) {
    if (at + ID_BYTES > here.to) here = yield { at, length: ID_BYTES };
    left = pageIdAt(here.view, at - here.from, littleEndian);
    at += ID_BYTES;
  }
  if (at + left * ID_BYTES > end) {
    noteFinding(records, head.page, 'freelist');
    return undefined;
  }
  while (left > 0) {
    const some = Math.min(left, AT_ONCE);
    if (at + some * ID_BYTES > here.to) here = yield { at, length: some * ID_BYTES };
    for (let index = 0; index < some; index += 1) {
      const page = pageIdAt(here.view, at - here.from + index * ID_BYTES, littleEndian);
      if (page < 2 || page >= pages || isFree(free, page)) noteFinding(records, head.page, 'freelist');
      else free[page >> 3] = (free[page >> 3] ?? 0) | (1 << (page & 7));
    }
    at += some * ID_BYTES;
    left -= some;
  }
  return undefined;
}
