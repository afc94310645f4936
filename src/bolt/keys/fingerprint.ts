import { randomBytes } from 'node:crypto';

/** 64 bits that stand for a key, in two halves: those of the key that was taken last. */
export interface Fingerprint {
  low: number;
  high: number;
  take(bytes: Uint8Array, at: number, length: number): void;
}

/**
 * HalfSipHash-1-3, as Linux has it for its hash tables. The seed is new in each process: whoever may write into etcd
 * could else choose two keys that are taken for one.
 */
export function fingerprint(seed: Uint8Array = randomBytes(8)): Fingerprint {
  const k0 = wordAt(seed, 0);
  const k1 = wordAt(seed, 4);
  return {
    low: 0,
    high: 0,
    take(bytes, at, length) {
      let v0 = k0;
      let v1 = k1 ^ 0xee;
      let v2 = 0x6c796765 ^ k0;
      let v3 = 0x74656462 ^ k1;
      const words = (length >>> 2) + 1;
      // One round a word, three for each half behind them.
      for (let round = 0; round < words + 6; round += 1) {
        let word = 0;
        if (round < words - 1) word = wordAt(bytes, at + 4 * round);
        else if (round === words - 1) word = lastWord(bytes, at, length);
        else if (round === words) v2 ^= 0xee;
        else if (round === words + 3) {
          this.low = (v1 ^ v3) >>> 0;
          v1 ^= 0xdd;
        }
        v3 ^= word;
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
        v0 ^= word;
      }
      this.high = (v1 ^ v3) >>> 0;
    },
  };
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) |
  ((bytes[at + 1] ?? 0) << 8) |
  ((bytes[at + 2] ?? 0) << 16) |
  ((bytes[at + 3] ?? 0) << 24);

/** What does not fill a word, and the length. */
function lastWord(bytes: Uint8Array, at: number, length: number): number {
  let word = length << 24;
  for (let next = length & ~3; next < length; next += 1) word |= (bytes[at + next] ?? 0) << (8 * (next & 3));
  return word;
}
