import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { decode, encode } from '../../src/backup/codec.ts';
import { type Chunks, lend, type LentBuffer } from '../../src/util/lent.ts';
import { streamOf } from './chunks.ts';
import { MIB, never } from '../support/file-store.ts';
import { type Codec, type Form, BOTH_WAYS, through, drain } from './forms.ts';

/** Long enough that not everything has passed before the first of it comes out. */
const SAMPLE = randomBytes(3 * MIB);

/** What the codec is fed in the tests below, in parts of 64 KiB. */
async function input(codec: Codec, form: Form): Promise<Buffer[]> {
  const bytes = codec === decode ? await through(encode, form, SAMPLE) : SAMPLE;
  return Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, at) =>
    bytes.subarray(at * 65_536, (at + 1) * 65_536),
  );
}

for (const [name, codec, form] of BOTH_WAYS) {
  describe(`${name}: what goes wrong is told at once, and everything is let go`, async () => {
    const chunks = await input(codec, form);

    for (const at of [0, 1, chunks.length - 1, chunks.length]) {
      test(`the source fails after ${at} of ${chunks.length} chunks`, async () => {
        const broken = new Error('the member went away');
        async function* failing(): AsyncGenerator<LentBuffer, void> {
          yield* chunks.slice(0, at).map(lend);
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
        async function* source(): AsyncGenerator<LentBuffer, void> {
          begun = true;
          try {
            yield* chunks.map(lend);
          } finally {
            closed.resolve();
          }
        }
        const sink = async (passed: Chunks) => {
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
      async function* hanging(): AsyncGenerator<LentBuffer, void> {
        yield* chunks.slice(0, 1).map(lend);
        hung.resolve();
        await new Promise(() => {});
      }
      const sink = async (passed: Chunks) => {
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
      async function* slow(): AsyncGenerator<LentBuffer, void> {
        for (const chunk of chunks) {
          asked += 1;
          if (asked === 3) end.abort(reason);
          await wait(20);
          yield lend(chunk);
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
      const sink = async (passed: Chunks) => {
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
async function* hangingAfter(chunks: readonly Buffer[]): AsyncGenerator<LentBuffer, void> {
  yield* chunks.map(lend);
  await new Promise(() => {});
}
