import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafReader } from '../../src/bolt/leaves.ts';
import { writeLeaf } from '../support/hostile-file.ts';

/** A member that deleted much keeps a large file whose pages are free but for a few. */
test('a database whose pages are almost all free is gone through once', () => {
  const pages = 2 ** 20;
  const pageSize = 512;
  const structure = { head: { pageSize, pages, root: 2, littleEndian: true }, leaves: Uint32Array.of(3) };
  const reader = leafReader(structure, { entry: () => assert.fail('there is none') });
  const piece = Buffer.alloc(2 ** 16);
  const began = performance.now();
  for (let at = 0; at < pages * pageSize; at += piece.length) reader.take(piece);
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
  assert.equal(reader.end(), 'changed', 'it was not there');
});

/** With `--max-request-bytes` raised, four such values can be in one. */
test('a leaf that is too large to be held is told apart from one that changed', () => {
  const pageSize = 4096;
  const pages = 4 + 2 ** 26 / pageSize;
  const structure = { head: { pageSize, pages, root: 2, littleEndian: true }, leaves: Uint32Array.of(3) };
  const reader = leafReader(structure, { entry: () => assert.fail('there is none') });
  const piece = Buffer.alloc(2 ** 16);
  writeLeaf(piece.subarray(3 * pageSize), 3, [], pages - 4);
  for (let at = 0; at < pages * pageSize; at += piece.length, piece.fill(0)) reader.take(piece);
  assert.equal(reader.end(), 'too-large');
});
