import type { Fingerprint } from './fingerprint.ts';
import { Records } from './records.ts';
import type { Room } from './room.ts';

/** A cell of the index: a key's number plus one, and eight bits of its fingerprint, which spare most looks at the key. */
const NUMBER_MASK = 0xff_ffff;
const TAG_MASK = 0xff00_0000;
const FIRST_CELLS = 2 ** 12;
const CELL_BYTES = 4;
const FULL = 7 / 8;

/**
 * Keys by their fingerprints: 32 bytes a key, and 4.6 to 9.1 of an index. Two keys with one fingerprint would be taken
 * for one: among three million keys the chance of that is one in four million.
 */
export class KeyTable {
  readonly records: Records;
  readonly #room: Room;
  #index = new Uint32Array(0);

  constructor(room: Room) {
    this.#room = room;
    this.records = new Records(room);
  }

  /** The key's number; -1 where it was not seen yet. */
  find({ high, low }: Fingerprint): number {
    const index = this.#index;
    const mask = index.length - 1;
    if (mask < 0) return -1;
    for (let cell = low & mask; ; cell = (cell + 1) & mask) {
      const found = index[cell] ?? 0;
      if (found === 0) return -1;
      if (((found ^ high) & TAG_MASK) !== 0) continue;
      const key = (found & NUMBER_MASK) - 1;
      if (this.records.low(key) === low && this.records.high(key) === high) return key;
    }
  }

  /** A new key's number; -1 where there is no room. */
  add({ high, low }: Fingerprint, group: number): number {
    const { keys } = this.records;
    if (keys + 1 >= NUMBER_MASK) return -1;
    if (keys >= this.#index.length * FULL && !this.#grow()) return -1;
    const key = this.records.add(high, low, group);
    if (key >= 0) this.#enter(key, high, low);
    return key;
  }

  /** The old index is let go first, and at once, not when V8 comes by: the keys themselves know their places. */
  #grow(): boolean {
    const cells = Math.max(FIRST_CELLS, this.#index.length * 2);
    this.#room.give(this.#index.length * CELL_BYTES);
    this.#index.buffer.transfer(0);
    if (!this.#room.take(cells * CELL_BYTES)) return false;
    this.#index = new Uint32Array(cells);
    const { records } = this;
    for (let key = 0; key < records.keys; key += 1) this.#enter(key, records.high(key), records.low(key));
    return true;
  }

  #enter(key: number, high: number, low: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let cell = low & mask;
    while (index[cell] !== 0) cell = (cell + 1) & mask;
    index[cell] = (high & TAG_MASK) | (key + 1);
  }
}
