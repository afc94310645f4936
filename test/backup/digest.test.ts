import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { checksumming, differenceOf, digesting } from '../../src/backup/digest.ts';
import { lend } from '../../src/util/lent.ts';
import { sha256 } from './chunks.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');

test('a digest is the size and the SHA-256 of all that was added, at any time', () => {
  const digest = digesting();
  assert.deepEqual(digest.digest(), { size: 0, sha256: hex(sha256(Buffer.alloc(0))) });
  digest.add(lend(Buffer.from('ab')));
  assert.equal(digest.digest().size, 2);
  digest.add(lend(Buffer.from('c')));
  assert.deepEqual(digest.digest(), { size: 3, sha256: hex(sha256(Buffer.from('abc'))) });
});

test('a checksum is the size and the CRC-32 of all that was added, at any time', () => {
  const checksum = checksumming();
  const empty = checksum.checksum();
  assert.deepEqual(empty, { size: 0, crc32: 0 });
  checksum.add(lend(Buffer.from('ab')));
  checksum.add(lend(Buffer.from('c')));
  assert.deepEqual(checksum.checksum(), { size: 3, crc32: crc32('abc') });
  assert.deepEqual(empty, { size: 0, crc32: 0 }, 'one that was asked for earlier stays');
});

test('what differs is told in words', () => {
  const found = { size: 3, crc32: 0xab };
  assert.equal(differenceOf(found, { ...found }), undefined);
  assert.equal(
    differenceOf(found, { size: 4, crc32: 0xab }),
    '3 bytes, CRC-32 000000ab, instead of 4 bytes, CRC-32 000000ab',
  );
  assert.equal(
    differenceOf({ size: 1, sha256: 'aa' }, { size: 1, sha256: 'bb' }),
    '1 bytes, SHA-256 aa, instead of 1 bytes, SHA-256 bb',
  );
});
