import { KEY_TEXT_BYTES } from '../keys/key-text.ts';

/** The names of some keys, in the order in which they came. */
export interface KeptNames {
  count(): number;
  /** False where there is no room for it. */
  add(key: number, bytes: Buffer, from: number, to: number): boolean;
  keyAt(place: number): number;
  /** Lent: valid until names are added or let go. */
  nameAt(place: number): Buffer;
  /** Lets go all others; is asked once for each, in their order. */
  keep(isKept: (key: number, place: number) => boolean): void;
}

/** Kubernetes' keys have some 60 to 100. */
const NAME_BYTES = 128;
/** What so many take: the name, and of each its place, its length and its key's number. */
export const keptNamesBytes = (most: number): number => most * (NAME_BYTES + 10);

export function keptNames(most: number): KeptNames {
  const names = Buffer.allocUnsafeSlow(most * NAME_BYTES);
  const keys = new Uint32Array(most);
  const starts = new Uint32Array(most);
  const lengths = new Uint16Array(most);
  let count = 0;
  let used = 0;

  function nameAt(place: number): Buffer {
    const start = starts[place] ?? 0;
    return names.subarray(start, start + (lengths[place] ?? 0));
  }

  function add(key: number, bytes: Buffer, from: number, to: number): boolean {
    // So much of a longer one is enough to tell its text.
    const length = Math.min(to - from, KEY_TEXT_BYTES);
    if (count === most || used + length > names.length) return false;
    bytes.copy(names, used, from, from + length);
    keys[count] = key;
    starts[count] = used;
    lengths[count] = length;
    count += 1;
    used += length;
    return true;
  }

  return {
    count: () => count,
    add,
    keyAt: (place) => keys[place] ?? 0,
    nameAt,
    keep(isKept) {
      const before = count;
      count = 0;
      used = 0;
      for (let place = 0; place < before; place += 1) {
        const key = keys[place] ?? 0;
        const name = nameAt(place);
        // Behind those that are kept already, so never over one that is still to come.
        if (isKept(key, place)) add(key, name, 0, name.length);
      }
    },
  };
}
