import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprint } from '../../../src/bolt/keys/fingerprint.ts';

/** What HalfSipHash's own program in C says of the bytes 0, 1, 2, ... with the seed 0 to 7, with 1 and 3 rounds. */
const VECTORS: [length: number, low: number, high: number][] = [
  [0, 0x21d0a576, 0x2af72023],
  [1, 0x8d74e887, 0x9733d36f],
  [2, 0xe11fee78, 0x32d73c5d],
  [3, 0xa339523e, 0x3e6cde6b],
  [4, 0xa0db24eb, 0x05ae8c71],
  [7, 0x0a2d053c, 0x8ff14cb2],
  [8, 0x31a8cd3d, 0x5f7aec1d],
  [63, 0x20c4123c, 0xc1c51419],
];

test('it is HalfSipHash-1-3', () => {
  const print = fingerprint(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]));
  const bytes = Buffer.from(Array.from({ length: 70 }, (_, index) => index - 5));
  for (const [length, low, high] of VECTORS) {
    print.take(bytes, 5, length);
    assert.deepEqual([print.low, print.high], [low, high], `${length} bytes`);
  }
});

test('its seed is another each time', () => {
  const prints = Array.from({ length: 20 }, () => {
    const print = fingerprint();
    print.take(Buffer.from('key'), 0, 3);
    return `${print.low} ${print.high}`;
  });
  assert.equal(new Set(prints).size, prints.length);
});
