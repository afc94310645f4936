import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { headReader, NotADatabase } from '../../../src/bolt/file/meta.ts';
import { boltFile, type BoltOptions, META } from '../../support/bolt-file.ts';

/** What the file says of its own length, read in these parts. */
function sizeOf(...parts: Buffer[]): number | undefined {
  const head = headReader();
  for (const part of parts) head.take(part);
  return head.databaseBytes();
}

const refuses = (file: Buffer, why: RegExp): void =>
  assert.throws(
    () => sizeOf(file),
    (error) => {
      assert.ok(error instanceof NotADatabase);
      assert.match(error.message, why);
      return true;
    },
  );

/** Both metas changed. */
const both = (change: (meta: Buffer) => void): BoltOptions => ({ pages: 3, change });

describe('the head of a database tells its length', () => {
  for (const pageBytes of [512, 1024, 4096, 16_384, 65_536]) {
    for (const bigEndian of [false, true]) {
      test(`with pages of ${pageBytes} bytes, written by a ${bigEndian ? 'big' : 'little'} endian machine`, () => {
        const file = boltFile({ pages: 3, pageBytes, bigEndian });
        assert.equal(sizeOf(file), file.length);
      });
    }
  }

  test('as soon as both metas came, in whatever pieces, and not before', () => {
    const file = boltFile({ pages: 5, pageBytes: 4096 });
    const end = 4096 + META.checksum + 8;
    const head = headReader();
    for (let at = 0; at < end; ) {
      assert.equal(head.databaseBytes(), undefined, `after ${at} bytes`);
      const next = Math.min(end, at + randomInt(0, 300));
      head.take(file.subarray(at, next));
      at = next;
    }
    assert.equal(head.databaseBytes(), file.length);
    head.take(Buffer.from('whatever follows'));
    assert.equal(head.databaseBytes(), file.length);
  });

  test('which may be more than 32 bits', () => {
    const pages = 2n ** 33n + 3n;
    const change = (meta: Buffer) => void meta.writeBigUInt64LE(pages, META.pages);
    assert.equal(sizeOf(boltFile({ pages: 3, change })), Number(pages) * 512);
  });
});

describe('it is no database', () => {
  const rows: [name: string, options: BoltOptions, why: RegExp][] = [
    ['with another magic number', both((meta) => meta.writeUInt32LE(0xed0cdaee, META.magic)), /magic number/],
    ['of another format', both((meta) => meta.writeUInt32LE(3, META.version)), /format 3 .* instead of 2/],
    ['with pages of no bytes', both((meta) => meta.writeUInt32LE(0, META.pageSize)), /have 0 bytes/],
    ['with pages of 256 bytes', both((meta) => meta.writeUInt32LE(256, META.pageSize)), /have 256 bytes/],
    ['with pages of 600 bytes', both((meta) => meta.writeUInt32LE(600, META.pageSize)), /have 600 bytes/],
    ['with pages of 2 GiB', both((meta) => meta.writeUInt32LE(2 ** 31, META.pageSize)), /have 2147483648/],
    ['of no pages', both((meta) => meta.writeBigUInt64LE(0n, META.pages)), /root is said to be page 2 of 0/],
    [
      'of more pages than there can be',
      both((meta) => meta.writeBigUInt64LE(2n ** 64n - 1n, META.pages)),
      /said to have 18446744073709551615 pages/,
    ],
    ['with its root in a meta page', both((meta) => meta.writeBigUInt64LE(1n, META.root)), /root is/],
    ['with its root behind its end', both((meta) => meta.writeBigUInt64LE(3n, META.root)), /page 3 of 3/],
    [
      'with two metas of other lengths',
      { pages: 3, change: (meta, index) => void meta.writeBigUInt64LE(BigInt(3 + index), META.pages) },
      /not of one transaction/,
    ],
    [
      'with two metas of one number, as no snapshot has them',
      both((meta) => meta.writeBigUInt64LE(9n, META.transaction)),
      /of other transactions than a snapshot has/,
    ],
  ];
  for (const [name, options, why] of rows) test(name, () => refuses(boltFile(options), why));

  test('with its second meta missing', () => {
    const file = boltFile({ pages: 3 });
    refuses(Buffer.concat([file.subarray(0, 512), Buffer.alloc(1024)]), /magic number/);
  });

  test('whatever bit of a meta is flipped', () => {
    for (const page of [0, 512])
      for (let at = page + META.magic; at < page + META.checksum + 8; at += 1)
        for (let bit = 0; bit < 8; bit += 1) {
          const file = boltFile({ pages: 3 });
          file.writeUInt8(file.readUInt8(at) ^ (1 << bit), at);
          refuses(file, /magic number|format|checksum/);
        }
  });

  test('when a meta has the number of the other, or the flags of another page', () => {
    for (const [at, value] of [
      [0, 1],
      [512, 0],
      [8, 2],
      [520, 0x14],
    ] as const) {
      const file = boltFile({ pages: 3 });
      file.writeUInt8(value, at);
      refuses(file, /does not say that it is one/);
    }
  });

  test('when it is zeros, or text', () => {
    refuses(Buffer.alloc(512), /magic number/);
    refuses(Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n'.padEnd(99)), /magic number/);
  });
});
