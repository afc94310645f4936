import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, copyOf, lend, type LentBuffer } from '../../src/util/lent.ts';

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
