/**
 * What is known of each key, by its number. As long as there could be keys: the system gives memory only to what is
 * written to.
 */
export interface Columns {
  /** of the newest revision so far */
  mains: Float64Array;
  subs: Uint32Array;
  /** of its value; `TOMBSTONE` where it is none */
  lengths: Uint32Array;
  /** seen so far; 0 where the key was not */
  revisions: Uint32Array;
  /** the group's number, and marks */
  groups: Uint32Array;
}

/** What a key takes. */
export const USAGE_KEY_BYTES = 24;
export const TOMBSTONE = 0xffff_ffff;
/** A group's number has so many bits; each bit beside them is a mark. */
export const GROUP_BITS = 28;
const GROUP_MASK = 2 ** GROUP_BITS - 1;

export const newColumns = (most: number): Columns => ({
  mains: new Float64Array(most),
  subs: new Uint32Array(most),
  lengths: new Uint32Array(most),
  revisions: new Uint32Array(most),
  groups: new Uint32Array(most),
});

/** One more revision; the length of its value, or `TOMBSTONE`. @returns whether it is the newest so far */
export function see(columns: Columns, key: number, main: number, sub: number, length: number): boolean {
  const { mains, subs, lengths, revisions } = columns;
  const newest = mains[key] ?? 0; // no revision is 0
  revisions[key] = revisionsOf(columns, key) + 1;
  if (main < newest || (main === newest && sub < (subs[key] ?? 0))) return false;
  mains[key] = main;
  subs[key] = sub;
  lengths[key] = length;
  return true;
}

export const revisionsOf = ({ revisions }: Columns, key: number): number => revisions[key] ?? 0;

/** Of the newest value so far; -1 where that is a tombstone. */
export function lengthOf({ lengths }: Columns, key: number): number {
  const length = lengths[key] ?? TOMBSTONE;
  return length === TOMBSTONE ? -1 : length;
}

export const groupOf = ({ groups }: Columns, key: number): number => (groups[key] ?? 0) & GROUP_MASK;

export const isMarked = ({ groups }: Columns, key: number, mark: number): boolean =>
  ((groups[key] ?? 0) & mark) !== 0;

export function setMark({ groups }: Columns, key: number, mark: number): void {
  groups[key] = (groups[key] ?? 0) | mark;
}

export function clearMark({ groups }: Columns, key: number, mark: number): void {
  groups[key] = (groups[key] ?? 0) & ~mark;
}
