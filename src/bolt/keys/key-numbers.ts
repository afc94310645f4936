import { fingerprint } from './fingerprint.ts';
import type { Room } from './room.ts';

/** Numbers keys from 0 on, as they come: the same key has the same number. */
export interface KeyNumbers {
  /** More there are never: so long are columns of what is known of each key. */
  readonly most: number;
  count(): number;
  /** -1 where there is no room for another key. */
  of(bytes: Uint8Array, at: number, length: number): number;
}

/** A cell of the index: a key's number plus one, and eight bits of its fingerprint, which spare most looks at the key. */
const NUMBER_MASK = 0xff_ffff;
const TAG_MASK = 0xff00_0000;
const FIRST_CELLS = 2 ** 10;
const CELL_BYTES = 4;
const PRINT_BYTES = 8;
/** So full the index is at the most; it doubles then. */
const FULL = 7 / 8;

/** What a key takes at the least. */
const KEY_BYTES = PRINT_BYTES + CELL_BYTES / FULL;

/**
 * Keys are known by their fingerprints alone: 8 bytes a key, and 4.6 to 9.1 of an index. Two keys with one fingerprint
 * would be taken for one: among three million keys the chance of that is one in four million.
 * @param columnBytes what a key takes beside it, at the least
 */
export function keyNumbers(room: Room, mostKeys: number, columnBytes = 0): KeyNumbers {
  const fitting = Math.floor(room.left() / (KEY_BYTES + columnBytes));
  const most = Math.min(mostKeys, fitting, NUMBER_MASK - 1);
  const print = fingerprint();
  // The system gives memory only to what is written to, so that this may be as long as there could be keys.
  const prints = new Uint32Array(2 * most);
  let index = new Uint32Array(0);
  let count = 0;

  function enter(number: number): void {
    const mask = index.length - 1;
    let cell = (prints[2 * number] ?? 0) & mask;
    while (index[cell] !== 0) cell = (cell + 1) & mask;
    index[cell] = ((prints[2 * number + 1] ?? 0) & TAG_MASK) | (number + 1);
  }

  /** The old index is let go first, and at once, not when V8 comes by: the fingerprints tell the places anew. */
  function grow(): boolean {
    const cells = Math.max(FIRST_CELLS, index.length * 2);
    if (!room.take((cells - index.length) * CELL_BYTES)) return false;
    index.buffer.transfer(0);
    index = new Uint32Array(cells);
    for (let number = 0; number < count; number += 1) enter(number);
    return true;
  }

  function add(low: number, high: number): number {
    if (count === most || (count >= index.length * FULL && !grow()) || !room.take(PRINT_BYTES)) return -1;
    const number = count;
    count += 1;
    prints[2 * number] = low;
    prints[2 * number + 1] = high;
    enter(number);
    return number;
  }

  return {
    most,
    count: () => count,
    of(bytes, at, length) {
      print.take(bytes, at, length);
      const { low, high } = print;
      const mask = index.length - 1;
      for (let cell = low & mask; ; cell = (cell + 1) & mask) {
        const found = index[cell] ?? 0;
        if (found === 0) return add(low, high);
        if (((found ^ high) & TAG_MASK) !== 0) continue;
        const number = (found & NUMBER_MASK) - 1;
        if (prints[2 * number] === low && prints[2 * number + 1] === high) return number;
      }
    },
  };
}
