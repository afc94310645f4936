import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate as setImmediately, setTimeout as wait } from 'node:timers/promises';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { encryptFor } from '../../src/backup/age.ts';
import { type Decoding, decode, type Encoding, encode } from '../../src/backup/codec.ts';
import { cutInTwo, flipped, halfNoise, inParts, MIB, never, streamOf } from './chunks.ts';
import { failsWith } from '../storage/file/place.ts';

type Form = Encoding & Decoding;
type Codec = (
  ...given: [Parameters<typeof encode>[0], Form, Parameters<typeof encode>[2], AbortSignal]
) => Promise<void>;

const AGE = await encryptFor([]);
const NONE: Form = { compression: 'none' };
const ZSTD: Form = { compression: 'zstd' };
const FORMS: [name: string, form: Form][] = [
  ['none', NONE],
  ['zstd', ZSTD],
  ['none and age', { ...NONE, ...AGE }],
  ['zstd and age', { ...ZSTD, ...AGE }],
];
const BOTH_WAYS: [name: string, codec: Codec, form: Form][] = FORMS.flatMap(([name, form]) => [
  [`encoding, ${name}`, encode, form],
  [`decoding, ${name}`, decode, form],
]);
/** Long enough that not everything has passed before the first of it comes out. */
const SAMPLE = randomBytes(3 * MIB);

async function through(codec: Codec, form: Form, ...chunks: Buffer[]): Promise<Buffer> {
  const passed: Buffer[] = [];
  const sink = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) passed.push(Buffer.from(chunk));
  };
  await codec(streamOf(...chunks), form, sink, never());
  return Buffer.concat(passed);
}

/** What the codec is fed in the tests below, in parts of 64 KiB. */
async function input(codec: Codec, form: Form): Promise<Buffer[]> {
  const bytes = codec === decode ? await through(encode, form, SAMPLE) : SAMPLE;
  return Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, at) =>
    bytes.subarray(at * 65_536, (at + 1) * 65_536),
  );
}

/** The bytes in two buffers by turns, which is what the stores and the snapshot stream promise at the least. */
async function* overwriting(bytes: Buffer, size: number): AsyncGenerator<Buffer, void> {
  const ring = [Buffer.alloc(size), Buffer.alloc(size)];
  for (let turn = 0; turn * size < bytes.length; turn += 1) {
    const piece = ring[turn % 2] ?? assert.fail();
    const length = bytes.copy(piece, 0, turn * size, (turn + 1) * size);
    yield piece.subarray(0, length);
  }
}

/** The result of a sink like that of a backup: it still writes one piece when it asks for the next. */
async function oneBehind(codec: Codec, form: Form, source: AsyncIterable<Buffer>): Promise<Buffer> {
  const written: Buffer[] = [];
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    let writing = Promise.resolve();
    for await (const chunk of chunks) {
      await writing;
      writing = setImmediately().then(() => void written.push(Buffer.from(chunk)));
    }
    await writing;
  };
  await codec(source, form, sink, never());
  return Buffer.concat(written);
}

async function drain(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of chunks);
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
      async function* endless(): AsyncGenerator<Buffer, void> {
        for (; asked < 12; asked += 1) {
          most = Math.max(most, asked - taken / MIB);
          yield randomBytes(MIB);
        }
      }
      const slow = async (chunks: AsyncIterable<Buffer>) => {
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
  const sink = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) passed.push(chunk);
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

for (const [name, codec, form] of BOTH_WAYS) {
  describe(`${name}: what goes wrong is told at once, and everything is let go`, async () => {
    const chunks = await input(codec, form);

    for (const at of [0, 1, chunks.length - 1, chunks.length]) {
      test(`the source fails after ${at} of ${chunks.length} chunks`, async () => {
        const broken = new Error('the member went away');
        async function* failing(): AsyncGenerator<Buffer, void> {
          yield* chunks.slice(0, at);
          throw broken;
        }
        await assert.rejects(codec(failing(), form, drain, never()), (error) => error === broken);
      });
    }

    for (const when of ['before it takes anything', 'at the first chunk', 'at the last'] as const) {
      test(`the sink fails ${when}`, { timeout: 5_000 }, async () => {
        const full = new Error('no space left');
        const closed = Promise.withResolvers<void>();
        let begun = false;
        async function* source(): AsyncGenerator<Buffer, void> {
          begun = true;
          try {
            yield* chunks;
          } finally {
            closed.resolve();
          }
        }
        const sink = async (passed: AsyncIterable<Buffer>) => {
          if (when !== 'before it takes anything') {
            for await (const _ of passed) if (when === 'at the first chunk') throw full;
          }
          throw full;
        };
        await assert.rejects(codec(source(), form, sink, never()), (error) => error === full);
        // Not at once: what was asked for a chunk is closed when it has answered, and to open age's header takes a while.
        if (begun) await closed.promise;
        assert.ok(begun || when !== 'at the last'); // the first chunk may be age's header, for which no source is asked
      });
    }

    test('the sink fails while the source hangs', { timeout: 5_000 }, async () => {
      const full = new Error('no space left');
      const hung = Promise.withResolvers<void>();
      async function* hanging(): AsyncGenerator<Buffer, void> {
        yield* chunks.slice(0, 1);
        hung.resolve();
        await new Promise(() => {});
      }
      const sink = async (passed: AsyncIterable<Buffer>) => {
        drain(passed).catch(() => undefined); // it waits for more, while what it wrote fails
        await hung.promise;
        throw full;
      };
      await assert.rejects(codec(hanging(), form, sink, never()), (error) => error === full);
    });

    test('the run ends before it begins: nothing is asked of the source', async () => {
      const reason = new Error('ended');
      const source = streamOf(...chunks);
      const ended = codec(source, form, drain, AbortSignal.abort(reason));
      await assert.rejects(ended, (error) => error === reason);
      assert.equal((await source.next()).value, chunks[0]);
    });

    test('the run ends while the source is slow', { timeout: 5_000 }, async () => {
      const end = new AbortController();
      const reason = new Error('ended');
      let asked = 0;
      async function* slow(): AsyncGenerator<Buffer, void> {
        for (const chunk of chunks) {
          asked += 1;
          if (asked === 3) end.abort(reason);
          await wait(20);
          yield chunk;
        }
      }
      await assert.rejects(codec(slow(), form, drain, end.signal), (error) => error === reason);
      await wait(50);
      assert.equal(asked, 3);
    });

    test('the run ends while the source hangs', { timeout: 5_000 }, async () => {
      const end = new AbortController();
      const reason = new Error('ended');
      setTimeout(() => end.abort(reason), 20);
      await assert.rejects(
        codec(hangingAfter(chunks.slice(0, 2)), form, drain, end.signal),
        (error) => error === reason,
      );
    });

    test('the run ends while the sink writes: it is waited for, and gets nothing more', async () => {
      const end = new AbortController();
      const reason = new Error('ended');
      let writes = 0;
      let written = 0;
      const sink = async (passed: AsyncIterable<Buffer>) => {
        for await (const _ of passed) {
          writes += 1;
          end.abort(reason);
          await wait(30);
          written += 1;
        }
      };
      await assert.rejects(codec(streamOf(...chunks), form, sink, end.signal), (error) => error === reason);
      assert.deepEqual([writes, written], [1, 1]);
    });

    test('the run ends after it was done: nothing happens', async () => {
      const end = new AbortController();
      await codec(streamOf(...chunks), form, drain, end.signal);
      end.abort(new Error('ended'));
    });
  });
}

/** Gives the chunks, and then neither another one nor an end. */
async function* hangingAfter(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  yield* chunks;
  await new Promise(() => {});
}
