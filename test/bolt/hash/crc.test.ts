import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { crcOf, joined } from '../../../src/bolt/hash/crc.ts';
import { MIB } from '../../support/units.ts';

test('it is CRC-32C', () => {
  // The check value of every catalogue of CRCs, and two of RFC 3720.
  assert.equal(crcOf(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crcOf(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crcOf(Buffer.alloc(32, 0xff)), 0x62a8ab43);
});

test('a CRC goes on behind another', () => {
  assert.equal(crcOf(Buffer.from('56789'), crcOf(Buffer.from('1234'))), 0xe3069283);
});

test('two pieces joined have the CRC of the whole, whatever their lengths', () => {
  const lengths = [0, 1, 2, 31, 4095, 4096, 4097, 16 * MIB - 1, 16 * MIB, 17 * MIB + 5];
  const second = randomBytes(18 * MIB);
  const first = Buffer.from('what stands before');
  for (const length of lengths) {
    const piece = second.subarray(0, length);
    assert.equal(joined(crcOf(first), crcOf(piece), length), crcOf(piece, crcOf(first)), `${length} bytes`);
  }
});

test('as have many', () => {
  const whole = randomBytes(100_000);
  let crc = 0;
  for (let at = 0; at < whole.length; ) {
    const piece = whole.subarray(at, at + randomInt(0, 3000));
    crc = joined(crc, crcOf(piece), piece.length);
    at += piece.length;
  }
  assert.equal(crc, crcOf(whole));
});
