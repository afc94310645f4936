import { fingerprint } from './fingerprint.ts';

/** Numbers keys from 0 on, as they come: the same key has the same number. */
export interface KeyNumbers {
  readonly count: number;
  /** At most as many keys as were said before. */
  of(bytes: Uint8Array, at: number, length: number): number;
}

/** What one key takes at the most, while the table grows. */
export const KEY_NUMBER_BYTES = 24;
const FIRST_SLOTS = 1024;
/** So full the table is at the most; it doubles then. */
const LOAD = 0.75;

/** The keys are known by their fingerprints alone. */
export function keyNumbers(most: number): KeyNumbers {
  const print = fingerprint();
  // The system gives memory only to what is written to, so that these may be as long as there could be keys.
  const lows = new Uint32Array(most);
  const highs = new Uint32Array(most);
  /** the key's number + 1; 0 where there is none */
  let slots = new Uint32Array(FIRST_SLOTS);
  let count = 0;

  /** Where the key is, or may be written to. */
  function slotOf(low: number, high: number): number {
    const mask = slots.length - 1;
    let slot = low & mask;
    for (let found = slots[slot]; found; found = slots[slot]) {
      if (lows[found - 1] === low && highs[found - 1] === high) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  function grow(): void {
    slots = new Uint32Array(slots.length * 2);
    for (let number = 0; number < count; number += 1)
      slots[slotOf(lows[number] ?? 0, highs[number] ?? 0)] = number + 1;
  }

  return {
    get count() {
      return count;
    },
    of(bytes, at, length) {
      print.take(bytes, at, length);
      const { low, high } = print;
      const slot = slotOf(low, high);
      const known = slots[slot] ?? 0;
      if (known > 0) return known - 1;
      lows[count] = low;
      highs[count] = high;
      count += 1;
      slots[slot] = count;
      if (count > slots.length * LOAD) grow();
      return count - 1;
    },
  };
}
