import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate as setImmediately, setTimeout as wait } from 'node:timers/promises';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decode, encode } from '../../src/backup/codec.ts';
import { bytesOf, type Chunks, copyOf, lend, type LentBuffer } from '../../src/util/lent.ts';
import { cutInTwo, flipped, halfNoise, inParts, streamOf } from './chunks.ts';
import { failsWith, MIB, never } from '../support/file-store.ts';
import { type Codec, type Form, FORMS, NONE, ZSTD, through } from './forms.ts';

/** The bytes in two buffers by turns, which is what the stores and the snapshot stream promise at the least. */
async function* overwriting(bytes: Buffer, size: number): AsyncGenerator<LentBuffer, void> {
  const ring = [Buffer.alloc(size), Buffer.alloc(size)];
  for (let turn = 0; turn * size < bytes.length; turn += 1) {
    const piece = ring[turn % 2] ?? assert.fail();
    const length = bytes.copy(piece, 0, turn * size, (turn + 1) * size);
    yield lend(piece.subarray(0, length));
  }
}

/** The result of a sink like that of a backup: it still writes one piece when it asks for the next. */
async function oneBehind(codec: Codec, form: Form, source: Chunks): Promise<Buffer> {
  const written: Buffer[] = [];
  const sink = async (chunks: Chunks) => {
    let writing = Promise.resolve();
    for await (const chunk of chunks) {
      await writing;
      writing = setImmediately().then(() => void written.push(copyOf(chunk)));
    }
    await writing;
  };
  await codec(source, form, sink, never());
  return Buffer.concat(written);
}

for (const [name, form] of FORMS) {
  describe(`what is stored with ${name} is what comes back`, () => {
    for (const size of [...Array.from({ length: 41 }, (_, at) => at), MIB - 1, MIB, MIB + 1, 5 * MIB]) {
      test(`at ${size} bytes`, async () => {
        for (const bytes of [randomBytes(size), Buffer.alloc(size), halfNoise(size)]) {
          const stored = await through(encode, form, bytes);
          assert.ok((await through(decode, form, stored)).equals(bytes));
        }
      });
    }

    test('wherever it is cut on its way', async () => {
      const bytes = halfNoise(60);
      const stored = await through(encode, form, bytes);
      for (const parts of cutInTwo(bytes)) {
        const again = await through(encode, form, ...parts);
        assert.deepEqual(await through(decode, form, again), bytes);
      }
      for (const parts of cutInTwo(stored)) {
        assert.deepEqual(await through(decode, form, ...parts), bytes);
      }
      const single = Array.from(stored, (byte) => Buffer.from([byte]));
      assert.deepEqual(await through(decode, form, ...single), bytes);
    });

    test('in random parts of any size', async () => {
      const bytes = halfNoise(3 * MIB + 17);
      const stored = await through(encode, form, ...inParts(bytes, 300_000));
      assert.ok((await through(decode, form, ...inParts(stored, 300_000))).equals(bytes));
    });

    for (const size of [10, 1_000, 65_536, MIB]) {
      test(`though the source overwrites its pieces of ${size} bytes once two more are asked for`, async () => {
        const bytes = randomBytes(Math.min(500 * size, 8 * MIB));
        const stored = await oneBehind(encode, form, overwriting(bytes, size));
        const restored = await oneBehind(decode, form, overwriting(stored, size));
        assert.ok(restored.equals(bytes));
      });
    }

    test('and the source is held back by a slow sink: a few MiB are all that is ever held', async () => {
      let asked = 0;
      let taken = 0;
      let most = 0;
      async function* endless(): AsyncGenerator<LentBuffer, void> {
        for (; asked < 12; asked += 1) {
          most = Math.max(most, asked - taken / MIB);
          yield lend(randomBytes(MIB));
        }
      }
      const slow = async (chunks: Chunks) => {
        for await (const chunk of chunks) {
          await wait(2);
          taken += chunk.length;
        }
      };
      await encode(endless(), form, slow, never());
      assert.ok(taken >= 12 * MIB);
      assert.ok(most <= 4, `${most} MiB were held`);
    });
  });
}

test('with compression none the chunks are passed on as they are, not copied', async () => {
  const chunks = [randomBytes(9), randomBytes(1)];
  const passed: Buffer[] = [];
  const sink = async (source: Chunks) => {
    for await (const chunk of source) passed.push(bytesOf(chunk));
  };
  await encode(streamOf(...chunks), NONE, sink, never());
  assert.equal(passed.length, 2);
  assert.ok(passed.every((chunk, at) => chunk === chunks[at]));
});

test('what is stored with zstd any zstd can read, and what any zstd wrote can be read', async () => {
  const bytes = halfNoise(2 * MIB + 3);
  const stored = await through(encode, ZSTD, bytes);
  assert.ok(stored.length < 0.6 * bytes.length);
  assert.ok(zstdDecompressSync(stored).equals(bytes));
  assert.equal(stored.readUInt8(4) & 4, 4, 'and it has the checksum by which `zstd -t` finds damage');
  assert.ok((await through(decode, ZSTD, zstdCompressSync(bytes))).equals(bytes));
});

describe('a damaged file', () => {
  const bytes = halfNoise(300);

  test('that was cut anywhere is refused, whatever the parts in which it is read', async () => {
    const stored = await through(encode, ZSTD, bytes);
    for (let length = 0; length < stored.length; length += 1) {
      const cut = stored.subarray(0, length);
      await assert.rejects(
        through(decode, ZSTD, cut),
        failsWith(/cannot be decompressed/, /cut short or damaged/),
      );
      await assert.rejects(through(decode, ZSTD, ...inParts(cut, 50)), failsWith(/cannot be decompressed/));
    }
  });

  test('that had a bit flipped is refused, or holds the same data: never other data', async () => {
    const stored = await through(encode, ZSTD, bytes);
    let refused = 0;
    for (let bit = 0; bit < stored.length * 8; bit += 1) {
      try {
        assert.deepEqual(await through(decode, ZSTD, flipped(stored, bit)), bytes, `bit ${bit}`);
      } catch (error) {
        failsWith(/cannot be decompressed/)(error);
        refused += 1;
      }
    }
    assert.ok(refused > stored.length * 8 * 0.9, `${refused} of ${stored.length * 8} were refused`);
  });

  test('that is no such file at all is refused', async () => {
    for (const other of [Buffer.from('<html>'), Buffer.alloc(600), randomBytes(600), bytes]) {
      await assert.rejects(through(decode, ZSTD, other), failsWith(/cannot be decompressed \(.+\)/));
    }
  });
});
