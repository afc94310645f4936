import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, copyOf, gathered, lend, type LentBuffer } from '../../src/util/lent.ts';

test('a lent piece is the buffer itself, and a copy of it is not', () => {
  const buffer = Buffer.from('first');
  const piece = lend(buffer);
  const copy = copyOf(piece);
  assert.equal(bytesOf(piece), buffer);
  assert.equal(piece.length, 5);
  buffer.fill('x'); // as its owner does when two more were asked for
  assert.equal(bytesOf(piece).toString(), 'xxxxx');
  assert.equal(copy.toString(), 'first');
});

test('nobody can keep a lent piece by mistake: that does not compile', () => {
  const piece: LentBuffer = lend(Buffer.from('bytes'));
  const kept: Buffer[] = [];
  // @ts-expect-error it would be overwritten
  kept.push(piece);
  // @ts-expect-error the same
  Buffer.concat([piece]);
  kept.push(copyOf(piece));
  assert.equal(kept.length, 2);
});

describe('pieces that are gathered', () => {
  const all = Buffer.from(Array.from({ length: 100 }, (_, index) => index));
  async function* inPieces(bytes: number): AsyncGenerator<LentBuffer, void> {
    for (let at = 0; at < all.length; at += bytes) yield lend(Buffer.from(all.subarray(at, at + bytes)));
  }

  for (const from of [1, 7, 10, 33, 100, 1000]) {
    for (const to of [1, 3, 10, 50, 100, 101]) {
      test(`from ${from} to ${to} bytes are the same bytes, and all but the last as large`, async () => {
        const pieces: Buffer[] = [];
        for await (const piece of gathered(inPieces(from), to)) pieces.push(copyOf(piece));
        assert.deepEqual(Buffer.concat(pieces), all);
        assert.ok(pieces.slice(0, -1).every(({ length }) => length === to));
        assert.equal(pieces.length, Math.ceil(all.length / to));
      });
    }
  }

  test('stay as they are until two more were asked for', async () => {
    let before: LentBuffer | undefined;
    let expected: Buffer = Buffer.alloc(0);
    for await (const piece of gathered(inPieces(7), 10)) {
      if (before !== undefined) assert.deepEqual(bytesOf(before), expected);
      before = piece;
      expected = copyOf(piece);
    }
    assert.deepEqual(expected, all.subarray(90));
  });

  test('end with what the source throws', async () => {
    const broken = new Error('broken');
    async function* failing(): AsyncGenerator<LentBuffer, void> {
      yield lend(all);
      throw broken;
    }
    const read = async (): Promise<void> => {
      for await (const _ of gathered(failing(), 1000));
    };
    await assert.rejects(read, (error) => error === broken);
  });
});
