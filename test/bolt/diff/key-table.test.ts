import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprinting } from '../../../src/bolt/diff/fingerprint.ts';
import { keyTable } from '../../../src/bolt/diff/key-table.ts';

test('each key keeps its number, whatever its length and wherever it lies', () => {
  const table = keyTable();
  const keys = Array.from({ length: 100_000 }, (_, index) => `${index}`.padStart(index % 23, '/registry/'));
  const distinct = [...new Set(['', '\0', '\0\0', ...keys])];
  for (const at of [0, 1, 3]) {
    const bytes = Buffer.alloc(64, at);
    for (const [number, key] of distinct.entries())
      assert.equal(table.numberOf(bytes, at, bytes.write(key, at)), number);
  }
  assert.equal(table.size(), distinct.length);
});

test('a large table takes up about 20 bytes a key', () => {
  for (const count of [100_000, 150_000, 200_000]) {
    const table = keyTable();
    const bytes = Buffer.alloc(4);
    for (let key = 0; key < count; key += 1) table.numberOf(bytes, 0, bytes.writeUInt32LE(key));
    assert.ok(table.bytes() / count < 21, `${table.bytes() / count}`);
  }
});

test('a fingerprint is of the seed and of all bytes', () => {
  const bytes = Buffer.from('/registry/pods/default/web-0');
  const printOf = (seed: string, length = bytes.length): string => {
    const print = new Uint32Array(2);
    fingerprinting(Buffer.from(seed))(bytes, 0, length, print);
    return print.join();
  };
  const lengths = Array.from({ length: bytes.length + 1 }, (_, length) => printOf('12345678', length));
  assert.equal(new Set([...lengths, printOf('12345679')]).size, lengths.length + 1);
  assert.equal(printOf('12345678'), lengths.at(-1));
});
