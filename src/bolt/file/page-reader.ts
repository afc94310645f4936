import type { FindingCode } from './findings.ts';
import { FIELD_BYTES, MAX_FIELDS, newKeyValueFields, scanKeyValue } from './key-value.ts';
import { type Candidate, MAX_ELEMENTS, newTable, readTable, type Table } from './page-table.ts';
import {
  BUCKET_ELEMENT,
  ELEMENT_BYTES,
  LEAF_PAGE,
  PAGE_HEADER_BYTES,
  type PageHead,
  type Part,
} from './layout.ts';
import {
  bytesAt,
  lastRevision,
  MAX_BUCKET_BYTES,
  MAX_WANTED_BYTES,
  noteElement,
  takeBranchKey,
  takeBucket,
  takeLeafKey,
  type Taken,
  takeWanted,
  wantedAs,
} from './page-keys.ts';
import {
  addElement,
  BROKEN,
  EMPTY_LEAF,
  noteFinding,
  NO_PAGE,
  type Records,
  REVISION_BRANCH,
  REVISION_LEAF,
} from './records.ts';

/** Bytes that a page that goes on needs: they may not have come by yet. */
export interface Need {
  /** offset in the file */
  at: number;
  length: number;
}

/** Reads a page whose pages behind the first have not all come by. It is given the bytes that it needs, as a part. */
export type Reading = Generator<Need, Ended, Part>;

/** `too-much`: it would take more memory than it may. */
export type Ended = 'too-much' | undefined;

/** For pages that are read at once, one after another. */
const atOnce = newTable(MAX_ELEMENTS);

/**
 * Reads a page into its record. What is wrong with it is noted there: nothing may ever reach it.
 * @returns the reading of a page that goes on behind `part`, to be gone on with as its bytes come by
 */
export function readPage(records: Records, part: Part, candidate: Candidate): Reading | Ended {
  const { head, end } = candidate;
  const isAtHand = end <= part.to;
  const table = isAtHand ? atOnce : newTable(head.count);
  const wrong = readTable(table, part, candidate);
  records.counts[head.page] = head.count;
  records.overflows[head.page] = head.overflow;
  if (wrong !== undefined) return broken(records, head, wrong);
  if (head.count === 0) {
    records.kinds[head.page] = EMPTY_LEAF;
    return undefined;
  }
  if (!isAtHand) return readElements(records, part, candidate, table);
  const ended = readElementsAtOnce(records, part, candidate, table);
  return ended === undefined || ended === 'too-much' ? ended : broken(records, head, ended);
}

function broken(records: Records, { page, flags }: PageHead, code: FindingCode): undefined {
  if (records.kinds[page] === NO_PAGE) records.kinds[page] = flags === LEAF_PAGE ? EMPTY_LEAF : BROKEN;
  noteFinding(records, page, code);
}

const fields = newKeyValueFields();

/** Most pages are all at hand: as a generator this takes half as long again. */
function readElementsAtOnce(records: Records, part: Part, { head, start }: Candidate, table: Table): Taken {
  const { view } = part;
  const { page } = head;
  const { count, isLeaf, keySizes, valueSizes, flags } = table;
  let at = start - part.from + PAGE_HEADER_BYTES + count * ELEMENT_BYTES;
  for (let index = 0; index < count; index += 1) {
    const keySize = keySizes[index] ?? 0;
    const valueSize = valueSizes[index] ?? 0;
    const valueAt = at + keySize;
    const end = valueAt + valueSize;
    if (isLeaf) {
      const isBucket = flags[index] === BUCKET_ELEMENT;
      const taken =
        takeLeafKey(records, page, view, at, keySize, isBucket) ??
        (records.kinds[page] === REVISION_LEAF
          ? keyValueAt(view, valueAt, end)
          : takeValue(records, page, view, at, keySize, valueSize, isBucket));
      if (taken !== undefined) return taken;
    } else {
      const taken = takeChild(records, page, view, at, keySize, table, index);
      if (taken !== undefined) return taken;
    }
    at = end;
  }
  return undefined;
}

const keyValueAt = (view: DataView, at: number, end: number): Taken =>
  scanKeyValue(view, at, end, end, fields) === end ? undefined : 'no-key-value';

/** What of a value is kept, of those that are no `KeyValue`. All of it is in the view. */
function takeValue(
  records: Records,
  page: number,
  view: DataView,
  keyAt: number,
  keySize: number,
  valueSize: number,
  isBucket: boolean,
): Taken {
  const valueAt = keyAt + keySize;
  if (isBucket) {
    if (valueSize > MAX_BUCKET_BYTES) return 'bucket';
    return takeBucket(records, page, bytesAt(view, valueAt, valueSize));
  }
  noteElement(records, page, view, keyAt, keySize, valueSize);
  const name = valueSize > MAX_WANTED_BYTES ? undefined : wantedAs(view, keyAt, keySize);
  if (name === undefined) return undefined;
  return takeWanted(records, page, name, bytesAt(view, valueAt, valueSize));
}

function takeChild(
  records: Records,
  page: number,
  view: DataView,
  at: number,
  keySize: number,
  { count, children }: Table,
  index: number,
): Taken {
  const taken = takeBranchKey(records, page, view, at, keySize);
  if (taken !== undefined) return taken;
  const child = children[index] ?? 0;
  if (records.kinds[page] !== REVISION_BRANCH) {
    records.texts.get(page)?.children.push(child);
    return undefined;
  }
  return addElement(records, page, count, index, child, lastRevision) ? undefined : 'too-much';
}

/** The same of a page that is not whole at hand: only its first page is. */
function* readElements(records: Records, part: Part, { head, start }: Candidate, table: Table): Reading {
  const { page } = head;
  const { count, isLeaf, keySizes, valueSizes, flags } = table;
  let at = start + PAGE_HEADER_BYTES + count * ELEMENT_BYTES;
  let here = part;
  for (let index = 0; index < count; index += 1) {
    const keySize = keySizes[index] ?? 0;
    const valueSize = valueSizes[index] ?? 0;
    const isBucket = flags[index] === BUCKET_ELEMENT;
    // Neither a bucket nor a wanted value is longer: they come with their key, and nothing else needs to.
    const wanted = isLeaf && (isBucket || valueSize <= MAX_WANTED_BYTES) ? valueSize : 0;
    if (wanted > MAX_BUCKET_BYTES) return broken(records, head, 'bucket');
    if (at + keySize + wanted > here.to) here = yield { at, length: keySize + wanted };
    const keyAt = at - here.from;
    let taken = isLeaf
      ? takeLeafKey(records, page, here.view, keyAt, keySize, isBucket)
      : takeChild(records, page, here.view, keyAt, keySize, table, index);
    const end = at + keySize + valueSize;
    if (taken === undefined && isLeaf && records.kinds[page] === REVISION_LEAF) {
      let next = at + keySize;
      for (let parts = 0; next < end && taken === undefined; parts += 1) {
        const length = Math.min(FIELD_BYTES, end - next);
        if (next + length > here.to) here = yield { at: next, length };
        const stopped = scanKeyValue(
          here.view,
          next - here.from,
          here.to - here.from,
          end - here.from,
          fields,
        );
        if (stopped < 0 || parts === MAX_FIELDS) taken = 'no-key-value';
        else next = stopped + here.from;
      }
    } else if (taken === undefined && isLeaf)
      taken = takeValue(records, page, here.view, keyAt, keySize, valueSize, isBucket);
    if (taken === 'too-much') return taken;
    if (taken !== undefined) return broken(records, head, taken);
    at = end;
  }
  return undefined;
}
