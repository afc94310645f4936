import { crc32c } from '@node-rs/crc32';

/**
 * CRC-32C (Castagnoli's polynomial), which etcd's HashKV is, over pieces that do not come in their order: the CRC of two
 * pieces follows from that of each and the length of the second (the way of zlib's crc32_combine).
 */

/** The polynomial as CRCs have it: the highest power in the lowest bit. */
const POLYNOMIAL = 0x82f63b78;
const ONE = 0x8000_0000;
/** x^8: what a byte behind it does to a CRC. */
const BYTE = 0x0080_0000;

/** A length is taken in digits of so many bits: most pieces have one digit. */
const DIGIT_BITS = 12;
const DIGITS = 3;
const DIGIT = 2 ** DIGIT_BITS;

/** Of these bytes, following what has the CRC `before`. */
export const crcOf = (bytes: Uint8Array, before = 0): number => crc32c(bytes, before);

/** Of two pieces, one behind the other. The second has at most 64 GiB. */
export function joined(first: number, second: number, secondLength: number): number {
  powers ??= makePowers();
  let crc = first;
  let rest = secondLength;
  for (let row = 0; rest > 0; row += 1) {
    const digit = rest % DIGIT;
    if (digit > 0) crc = multiply(crc, powers[row * DIGIT + digit] ?? ONE);
    rest = (rest - digit) / DIGIT;
  }
  return (crc ^ second) >>> 0;
}

/** The product of two polynomials modulo CRC-32C's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let rest = a; rest !== 0; rest <<= 1) {
    product ^= shifted & (rest >> 31);
    shifted = (shifted >>> 1) ^ (POLYNOMIAL & -(shifted & 1));
  }
  return product;
}

/** x^(8 * digit * DIGIT^row), at row * DIGIT + digit. Made on first use: a run begins with other things. */
let powers: Uint32Array | undefined;

function makePowers(): Uint32Array {
  const table = new Uint32Array(DIGITS * DIGIT);
  let step = BYTE;
  for (let row = 0; row < DIGITS; row += 1) {
    let power = ONE;
    for (let digit = 0; digit < DIGIT; digit += 1) {
      table[row * DIGIT + digit] = power;
      power = multiply(power, step);
    }
    step = power;
  }
  return table;
}
