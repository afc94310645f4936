import { type Fingerprint, fingerprinting } from './fingerprint.ts';
import { roomFor } from './room.ts';

/** Gives each distinct key a number, and keeps of the key no more than its fingerprint. */
export interface KeyTable {
  /** From 0 on, in the order in which they came. A key that was not seen before gets the next one. */
  numberOf(bytes: Buffer, at: number, length: number): number;
  size(): number;
  /** what it takes up in memory */
  bytes(): number;
}

const FIRST_SLOTS = 2 ** 12;
/** From here on one look finds too many other keys first. */
const FULL = 0.75;

export function keyTable(fingerprint: Fingerprint = fingerprinting()): KeyTable {
  /** Where the numbers are, by fingerprint; 0: none, else the number + 1. */
  let slots = new Uint32Array(FIRST_SLOTS);
  let prints = new Uint32Array(2 * roomFor(0));
  let size = 0;
  const print = new Uint32Array(2);

  /** That of the number with this fingerprint, or the free one where it belongs. */
  function slotOf(first: number, second: number): number {
    const mask = slots.length - 1;
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const number = (slots[slot] ?? 0) - 1;
      if (number < 0 || (prints[2 * number] === first && prints[2 * number + 1] === second)) return slot;
    }
  }

  function spread(): void {
    slots = new Uint32Array(2 * slots.length);
    for (let number = 0; number < size; number += 1)
      slots[slotOf(prints[2 * number] ?? 0, prints[2 * number + 1] ?? 0)] = number + 1;
  }

  return {
    numberOf(bytes, at, length) {
      fingerprint(bytes, at, length, print);
      const [first = 0, second = 0] = print;
      const slot = slotOf(first, second);
      const known = slots[slot] ?? 0;
      if (known > 0) return known - 1;
      if (2 * size >= prints.length) prints = new Uint32Array(prints.buffer.transfer(8 * roomFor(size + 1)));
      prints[2 * size] = first;
      prints[2 * size + 1] = second;
      size += 1;
      slots[slot] = size;
      if (size >= FULL * slots.length) spread();
      return size - 1;
    },
    size: () => size,
    bytes: () => slots.byteLength + prints.byteLength,
  };
}
