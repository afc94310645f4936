/** 64 bits that stand for some bytes. */
export interface Fingerprint {
  high: number;
  low: number;
}

/** Two random numbers of 32 bits. */
export type Seed = readonly [number, number];

/** The answer is lent: the next call writes the same object. */
export type Fingerprinting = (bytes: Buffer, from: number, to: number) => Fingerprint;

/**
 * HalfSipHash-1-3 with 64 bits of output (Aumasson and Bernstein's SipHash on words of 32 bits, as Linux has it for its
 * own tables): without the seed nobody can make keys that collide, which would slow a table down, or be counted as one.
 */
export function fingerprinting([k0, k1]: Seed): Fingerprinting {
  const found: Fingerprint = { high: 0, low: 0 };
  const viewOf = viewing();
  return (bytes, from, to) => {
    const view = viewOf(bytes);
    const whole = (to - from) >>> 2;
    const last = lastWord(bytes, from, to);
    let v0 = k0 | 0;
    let v1 = k1 ^ 0xee;
    let v2 = k0 ^ 0x6c796765;
    let v3 = k1 ^ 0x74656462;
    // The last six rounds take in nothing: three before each half of the output.
    for (let step = 0; step < whole + 7; step += 1) {
      const word = step < whole ? view.getInt32(from + step * 4, true) : step === whole ? last : 0;
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
      if (step === whole) v2 ^= 0xee;
      if (step === whole + 3) {
        found.low = (v1 ^ v3) >>> 0;
        v1 ^= 0xdd;
      }
    }
    found.high = (v1 ^ v3) >>> 0;
    return found;
  };
}

/** What is left over of whole words, and the length. */
function lastWord(bytes: Buffer, from: number, to: number): number {
  let word = (to - from) << 24;
  for (let at = to - ((to - from) & 3), shift = 0; at < to; at += 1, shift += 8)
    word |= (bytes[at] ?? 0) << shift;
  return word;
}

/** Words are read several times faster through a view; many keys in a row lie in the same bytes. */
function viewing(): (bytes: Buffer) => DataView {
  let of: Buffer | undefined;
  let view: DataView = new DataView(new ArrayBuffer(0));
  return (bytes) => {
    if (bytes !== of) view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    of = bytes;
    return view;
  };
}
