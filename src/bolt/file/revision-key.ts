/**
 * The keys of the bucket `key`: eight bytes of a revision, `_`, eight of its place in the transaction, and a `t` where the
 * key was deleted (etcd's mvcc/revision.go). Big endian, so that they sort as their bytes do.
 */

const REVISION_BYTES = 17;
const TOMBSTONE_BYTES = REVISION_BYTES + 1;
const UNDERSCORE = 0x5f;
const TOMBSTONE = 0x74;
/** The upper half of the largest number that JavaScript holds exactly. */
const MAX_UPPER = 2 ** 21;
/** Two of them and one fit into 32 bits. */
const MAX_SUB = 2 ** 31;
const TWO_TO_32 = 2 ** 32;

/**
 * A revision, as two numbers that sort as its bytes do: `place` is twice the place in the transaction, and one more for a
 * deletion.
 */
export interface RevisionKey {
  main: number;
  place: number;
}

export const newRevisionKey = (): RevisionKey => ({ main: 0, place: 0 });

/** Whether these bytes are a revision; then it is in `into`. Nobody's text is: no revision is so large. */
export function readRevisionKey(view: DataView, at: number, size: number, into: RevisionKey): boolean {
  if (size !== REVISION_BYTES && size !== TOMBSTONE_BYTES) return false;
  const upper = view.getUint32(at);
  if (upper >= MAX_UPPER || view.getUint8(at + 8) !== UNDERSCORE || view.getUint32(at + 9) !== 0)
    return false;
  const sub = view.getUint32(at + 13);
  if (sub >= MAX_SUB) return false;
  const isTombstone = size === TOMBSTONE_BYTES;
  if (isTombstone && view.getUint8(at + REVISION_BYTES) !== TOMBSTONE) return false;
  into.main = upper * TWO_TO_32 + view.getUint32(at + 4);
  into.place = sub * 2 + Number(isTombstone);
  return true;
}

export const isTombstone = ({ place }: RevisionKey): boolean => place % 2 === 1;
export const subOf = ({ place }: RevisionKey): number => Math.floor(place / 2);

/** Negative where the first is the older one. */
export const compareRevisions = (
  main: number,
  place: number,
  otherMain: number,
  otherPlace: number,
): number => main - otherMain || place - otherPlace;
