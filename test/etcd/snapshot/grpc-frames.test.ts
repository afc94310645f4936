import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { BlobReader } from '../../../src/etcd/snapshot/grpc-frames.ts';
import { encodeMessage, frame, frames, type SnapshotMessage } from '../../support/snapshot-frames.ts';

const HEADER = {
  cluster_id: '6681237894',
  member_id: '18446744073709551615',
  revision: '4711',
  raft_term: '3',
};
/** What etcd sends at a time. */
const BLOB_BYTES = 32 * 1024;
const GRPC_HEADER_BYTES = 5;

/** A snapshot of these blobs as etcd 3.6 sends it, its first message with a header too. */
function snapshot(...blobs: Buffer[]): Buffer {
  let remaining = blobs.reduce((sum, blob) => sum + blob.length, 0);
  const messages = blobs.map((blob, index): SnapshotMessage => {
    remaining -= blob.length;
    const header = index === 0 && { header: HEADER };
    return { ...header, remaining_bytes: remaining, blob, version: '3.6.0' };
  });
  return frames(...messages);
}

/** The bytes of the blobs in `parts`, fed one after another. */
function read(...parts: Buffer[]): Buffer {
  const reader = new BlobReader();
  return Buffer.concat(parts.flatMap((part) => [...reader.feed(part)]));
}

function announcedBy(...parts: Buffer[]): number {
  const reader = new BlobReader();
  for (const part of parts) for (const _ of reader.feed(part));
  return reader.announced();
}

describe('the blobs of a snapshot stream are read', () => {
  const rows: [name: string, blobs: Buffer[]][] = [
    ['of no bytes', [Buffer.alloc(0)]],
    ['of one byte', [Buffer.from([7])]],
    ['of zeros, which look like frames', [Buffer.alloc(40)]],
    ['of bytes that are frames themselves', [snapshot(Buffer.from('inner')), Buffer.from('after')]],
    ['of 127 and 128 bytes, where a length grows to two bytes', [randomBytes(127), randomBytes(128)]],
    ['of some sizes, empty ones between', [5, 0, 300, 0, 0, 1, 32].map((size) => randomBytes(size))],
    ['of 32 KiB and the checksum', [randomBytes(BLOB_BYTES), randomBytes(32)]],
  ];
  for (const [name, blobs] of rows) {
    const stream = snapshot(...blobs);
    const expected = Buffer.concat(blobs);

    test(`${name}, whole`, () => assert.deepEqual(read(stream), expected));

    test(`${name}, cut in two at every byte`, () => {
      for (let cut = 0; cut <= stream.length; cut += 1) {
        const found = read(stream.subarray(0, cut), stream.subarray(cut));
        assert.ok(found.equals(expected), `cut at ${cut} of ${stream.length}`);
      }
    });

    test(`${name}, byte by byte`, () => {
      const bytes = Array.from(stream, (_, at) => stream.subarray(at, at + 1));
      assert.ok(read(...bytes).equals(expected));
    });
  }

  test('of random sizes in random parts', () => {
    for (let round = 0; round < 200; round += 1) {
      const blobs = Array.from({ length: randomInt(1, 8) }, () => randomBytes(randomInt(0, 2_000)));
      const stream = snapshot(...blobs);
      const parts: Buffer[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = randomInt(0, 400);
        parts.push(stream.subarray(at, at + size));
        at += size;
      }
      const sizes = { blobs: blobs.map(({ length }) => length), parts: parts.map(({ length }) => length) };
      assert.ok(read(...parts).equals(Buffer.concat(blobs)), JSON.stringify(sizes));
    }
  });

  test('without a copy: they are views of what was fed', () => {
    const stream = snapshot(randomBytes(100), randomBytes(100));
    const pieces = [...new BlobReader().feed(stream)];
    assert.deepEqual(
      pieces.map(({ length }) => length),
      [100, 100],
    );
    for (const piece of pieces) assert.equal(piece.buffer, stream.buffer);
  });
});

describe('what is no blob is passed over', () => {
  const blob = Buffer.from('blob');
  const around = (field: Buffer) => frame(Buffer.concat([field, encodeMessage({ blob }), field]));
  const rows: [name: string, stream: Buffer][] = [
    ['a version, as newer servers send it', frames({ version: '3.6.0', blob })],
    ['a message with nothing in it', Buffer.concat([frames({}), frames({ blob }), frames({})])],
    [
      'a message with all but a blob',
      Buffer.concat([frames({ header: HEADER, version: '3.6.0' }), frames({ blob })]),
    ],
    ['an unknown number (field 15)', around(Buffer.from([0x78, 0xff, 0xff, 0x01]))],
    [
      'an unknown field of bytes (field 16, a tag of two bytes)',
      around(Buffer.from([0x82, 0x01, 0x02, 9, 9])),
    ],
    ['an empty unknown field', around(Buffer.from([0x2a, 0x00]))],
    [
      'a number of ten bytes, as negative ones are',
      around(Buffer.from([0x78, ...Array(9).fill(0xff), 0x01])),
    ],
  ];
  for (const [name, stream] of rows) {
    test(name, () => {
      for (let cut = 0; cut <= stream.length; cut += 1) {
        assert.deepEqual(read(stream.subarray(0, cut), stream.subarray(cut)), blob, `cut at ${cut}`);
      }
    });
  }
});

describe('how much will come', () => {
  test('is what remains after the first message, and its own blob', () => {
    const stream = snapshot(randomBytes(BLOB_BYTES), randomBytes(BLOB_BYTES), randomBytes(32));
    assert.equal(announcedBy(stream), 2 * BLOB_BYTES + 32);
  });

  test('is known as soon as the first blob has begun, and does not change after it', () => {
    const stream = snapshot(Buffer.alloc(400), Buffer.alloc(32));
    const reader = new BlobReader();
    const seen = Array.from(stream, (_, at) => {
      for (const _piece of reader.feed(stream.subarray(at, at + 1)));
      return reader.announced();
    });
    assert.deepEqual([...new Set(seen)], [0, 432]);
    assert.ok(seen.indexOf(432) < 50, 'before the first byte of the blob');
  });

  test('is the blob alone where nothing remains: a server leaves zeros out', () => {
    assert.equal(announcedBy(frames({ blob: Buffer.alloc(20) })), 20);
  });

  test('may be larger than 32 bits', () => {
    const remaining = 2 ** 40 + 1;
    assert.equal(
      announcedBy(frames({ remaining_bytes: String(remaining), blob: Buffer.alloc(9) })),
      remaining + 9,
    );
  });

  test('is what the first message says, whatever the others do', () => {
    const blob = Buffer.alloc(10);
    const messages = [20, 500, 2 ** 40, 0].map((remaining_bytes) => ({ remaining_bytes, blob }));
    assert.equal(announcedBy(frames(...messages)), 30);
  });

  test('is the blob alone where what remains stands behind it', () => {
    const [head = 0, ...number] = encodeMessage({ remaining_bytes: 300 });
    const behind = Buffer.concat([encodeMessage({ blob: Buffer.alloc(10) }), Buffer.from([head, ...number])]);
    assert.equal(announcedBy(frame(behind)), 10);
  });

  test('is 0 before anything came', () => assert.equal(new BlobReader().announced(), 0));
});

describe('a stream that is no snapshot is refused', () => {
  const message = encodeMessage({ remaining_bytes: 300, blob: Buffer.alloc(10) });
  // Of `remaining_bytes` the message has the tag and the first byte of two; the second one lies outside.
  const cutShort = frame(message);
  cutShort.writeUInt32BE(2, 1);
  const rows: [name: string, stream: Buffer, why: RegExp][] = [
    ['a compressed message', frame(message, 1), /is compressed, which was not asked for/],
    ['a 64-bit field', frame(Buffer.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8])), /unexpected wire type 1/],
    ['a 32-bit field', frame(Buffer.from([0x0d, 1, 2, 3, 4])), /unexpected wire type 5/],
    ['a group', frame(Buffer.from([0x0b, 0x00, 0x0c])), /unexpected wire type 3/],
    [
      'a blob longer than its message',
      frame(Buffer.from([0x1a, 0x05, 1, 2, 3, 4])),
      /longer than its message/,
    ],
    [
      'a blob longer than anything',
      frame(Buffer.from([0x1a, ...Array(9).fill(0xff), 0x01, 1])),
      /longer than its/,
    ],
    ['a number that ends behind its message', cutShort, /longer than its message/],
    [
      'a tag that ends behind its message',
      Buffer.concat([frame(Buffer.from([0x90])), frames({})]),
      /longer than its/,
    ],
    ['a number that never ends', frame(Buffer.alloc(60, 0xff)), /no field in the snapshot stream ends/],
    ...['9007199254740992', '18446744073709551615'].map((remaining): (typeof rows)[number] => [
      `an announcement of ${remaining} bytes`,
      frames({ remaining_bytes: remaining, blob: Buffer.alloc(9) }),
      /bytes are announced in the snapshot stream/,
    ]),
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /is compressed, which was not asked for/],
  ];
  for (const [name, stream, why] of rows) {
    test(name, () => {
      assert.throws(() => read(stream), why);
      assert.throws(() => read(...Array.from(stream, (_, at) => stream.subarray(at, at + 1))), why);
    });
  }
});

test('whatever bit is flipped, reading ends, and gives no byte that did not come', () => {
  const blobs = [randomBytes(50), randomBytes(0), randomBytes(32)];
  const stream = snapshot(...blobs);
  let refused = 0;
  let changed = 0;
  for (let bit = 0; bit < stream.length * 8; bit += 1) {
    const damaged = Buffer.from(stream);
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    try {
      const pieces = [...new BlobReader().feed(damaged)];
      const found = Buffer.concat(pieces);
      assert.ok(found.length <= stream.length - GRPC_HEADER_BYTES);
      assert.ok(pieces.every((piece) => piece.buffer === damaged.buffer));
      if (!found.equals(Buffer.concat(blobs))) changed += 1;
    } catch (error) {
      assert.match(String(error), /^EtcdError: .* snapshot stream/);
      refused += 1;
    }
  }
  assert.ok(refused > 100, `${refused} were refused`);
  assert.ok(
    changed >= 82 * 8,
    `${changed} are for the checksum to find: every bit of a blob, and some lengths`,
  );
});
