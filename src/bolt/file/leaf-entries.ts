import type { Entry, EntryVisitor } from '../entries.ts';
import { newKeyValueFields, scanKeyValue } from './key-value.ts';
import { ELEMENT_BYTES, LEAF_PAGE, PAGE_HEADER_BYTES, pageHead, type Part } from './layout.ts';
import { isTombstone, newRevisionKey, readRevisionKey, subOf } from './revision-key.ts';

/** Where a leaf lies in the file, in bytes. */
interface Place {
  page: number;
  start: number;
  end: number;
}

const newEntry = (): Entry => ({
  main: 0,
  sub: 0,
  isTombstone: false,
  bytes: Buffer.alloc(0),
  keyAt: 0,
  keyLength: 0,
  key: -1,
  valueLength: 0,
  recordAt: 0,
  recordEnd: 0,
});

/** Shows the revisions of one leaf, all of which is in `bytes`, that is `part`. @returns whether it was one */
export function leafShower(
  visitor: EntryVisitor,
  littleEndian: boolean,
): (rank: number, bytes: Buffer, part: Part, place: Place) => boolean {
  const revision = newRevisionKey();
  const fields = newKeyValueFields();
  const entry = newEntry();

  function showEntry(view: DataView, at: number, keySize: number, end: number): boolean {
    if (!readRevisionKey(view, at, keySize, revision)) return false;
    fields.keyLength = 0;
    fields.valueLength = 0;
    if (scanKeyValue(view, at + keySize, end, end, fields) !== end) return false;
    entry.main = revision.main;
    entry.sub = subOf(revision);
    entry.isTombstone = isTombstone(revision);
    entry.keyAt = fields.keyAt;
    entry.keyLength = fields.keyLength;
    entry.valueLength = fields.valueLength;
    entry.recordAt = at;
    entry.recordEnd = end;
    visitor.entry(entry);
    return true;
  }

  return (rank, bytes, part, { page, start, end }) => {
    const { view, from } = part;
    const head = pageHead(part, page, start, littleEndian);
    if (head?.flags !== LEAF_PAGE) return false;
    const last = end - from;
    let element = start - from + PAGE_HEADER_BYTES;
    let at = element + head.count * ELEMENT_BYTES;
    if (at > last) return false;
    entry.bytes = bytes;
    visitor.leaf?.(rank, head.count);
    for (let index = 0; index < head.count; index += 1, element += ELEMENT_BYTES) {
      const keySize = view.getUint32(element + 8, littleEndian);
      const next = at + keySize + view.getUint32(element + 12, littleEndian);
      if (next > last || !showEntry(view, at, keySize, next)) return false;
      at = next;
    }
    return true;
  };
}
