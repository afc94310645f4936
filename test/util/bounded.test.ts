import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { bounded, readBounded, readHead, TooManyBytes } from '../../src/util/bounded.ts';

const never = new AbortController().signal;

/** A source that would go on for ever, and tells when it was closed. */
function endless() {
  const seen = { pieces: 0, closed: false };
  async function* pieces(): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        seen.pieces += 1;
        yield Buffer.from('1234567890');
      }
    } finally {
      seen.closed = true;
    }
  }
  return { source: pieces(), seen };
}

const hanging = (): Readable => new Readable({ read() {} });

void describe('reading with a bound', () => {
  void it('reads what fits, to the last byte', async () => {
    const source = Readable.from([Buffer.from('abc'), Buffer.from('de')]);
    assert.equal(String(await readBounded(source, 5, never)), 'abcde');
  });

  void it('gives up an endless source at the first byte too many, and closes it', async () => {
    const { source, seen } = endless();
    await assert.rejects(readBounded(source, 35, never), new TooManyBytes(35));
    assert.deepEqual(seen, { pieces: 4, closed: true });
  });

  void it('throws what it is told to, before the piece that goes beyond is passed on', async () => {
    const { source } = endless();
    const passed: number[] = [];
    const reading = (async () => {
      for await (const piece of bounded(source, 25, () => new Error('a bomb'))) passed.push(piece.length);
    })();
    await assert.rejects(reading, /^Error: a bomb$/);
    assert.deepEqual(passed, [10, 10]);
  });

  void it('takes the head alone of an endless source, and closes it', async () => {
    const { source, seen } = endless();
    assert.equal(String(await readHead(source, 12, never)), '123456789012');
    assert.deepEqual(seen, { pieces: 2, closed: true });
  });

  void it('takes a head that is shorter as it is', async () => {
    assert.equal(String(await readHead(Readable.from([Buffer.from('ab')]), 12, never)), 'ab');
  });

  for (const read of [readBounded, readHead]) {
    void it(`ends with the signal while nothing comes (${read.name})`, async () => {
      const source = hanging();
      await assert.rejects(read(source, 10, AbortSignal.timeout(20)), { name: 'TimeoutError' });
      source.destroy();
    });
  }
});
