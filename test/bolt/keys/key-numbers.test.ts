import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EntryVisitor } from '../../../src/bolt/entries.ts';
import { keyNumbers } from '../../../src/bolt/keys/key-numbers.ts';
import { numbered } from '../../../src/bolt/keys/numbered.ts';
import { columnRoom, roomOf, shareOf } from '../../../src/bolt/keys/room.ts';

const key = (number: number): Buffer => Buffer.from(`/registry/pods/shop/web-${number}`);
const numberOf = (keys: ReturnType<typeof keyNumbers>, number: number): number => {
  const bytes = Buffer.concat([Buffer.from('//'), key(number), Buffer.from('/x')]);
  return keys.of(bytes, 2, bytes.length - 4);
};

describe('the number of a key', () => {
  test('is the next one where it is new, and the same ever after, also of a key without a byte', () => {
    const keys = keyNumbers(roomOf(2 ** 20), 30_001);
    for (let number = 0; number < 30_000; number += 1) assert.equal(numberOf(keys, number), number);
    for (let number = 29_999; number >= 0; number -= 7) assert.equal(numberOf(keys, number), number);
    assert.equal(keys.of(key(1), 5, 0), 30_000);
    assert.equal(keys.of(Buffer.alloc(0), 0, 0), 30_000);
    assert.equal(keys.count(), 30_001);
  });

  test('is none where there are more than there may be, and those before keep theirs', () => {
    const room = roomOf(2 ** 20);
    for (const keys of [keyNumbers(room, 2000), keyNumbers(roomOf(30_000), Infinity)]) {
      let count = 0;
      while (numberOf(keys, count) >= 0) count += 1;
      assert.equal(keys.count(), count);
      assert.equal(numberOf(keys, count + 1), -1);
      assert.equal(numberOf(keys, count - 1), count - 1);
    }
    assert.equal(room.taken(), 2000 * 8 + 4096 * 4);
  });

  test('goes on where somebody leaves his room to the others', () => {
    const room = roomOf(40_000);
    const keys = keyNumbers(room, Infinity);
    const share = shareOf(room);
    assert.ok(share.take(36_000 - 100));
    let count = 0;
    while (numberOf(keys, count) >= 0) count += 1;
    assert.equal(count, 0);
    share.giveAll();
    assert.equal(share.taken(), 0);
    for (; count < 1500; count += 1) assert.equal(numberOf(keys, count), count);
  });
});

test('who looks first gives up first where there is no room for a key, and those behind go on', () => {
  const room = roomOf(2 * 4096 + 8);
  const first = shareOf(room);
  assert.ok(first.take(4096));
  const seen: [who: string, key: number][] = [];
  const giving: EntryVisitor = {
    entry({ key: number }) {
      seen.push(['first', number]);
      if (number < 0) first.giveAll();
    },
  };
  const going: EntryVisitor = { entry: ({ key: number }) => void seen.push(['second', number]) };
  const visitor = numbered(keyNumbers(room, Infinity), [giving, going]);
  for (const number of [1, 2]) {
    const bytes = key(number);
    const itsKey = { bytes, keyAt: 0, keyLength: bytes.length, key: -1, valueLength: 0 };
    visitor.entry({ ...itsKey, main: number, sub: 0, isTombstone: false, recordAt: 0, recordEnd: 0 });
  }
  assert.deepEqual(seen, [
    ['first', 0],
    ['second', 0],
    ['first', -1],
    ['second', 1],
  ]);
});

test('columns take room as keys come, and have none for a key without a number', () => {
  const room = roomOf(100);
  const hasRoom = columnRoom(room, 24);
  assert.deepEqual([hasRoom(-1), room.taken()], [false, 0]);
  assert.deepEqual([hasRoom(2), hasRoom(0), hasRoom(-1), room.taken()], [true, true, false, 72]);
  assert.deepEqual([hasRoom(4), hasRoom(3), room.taken()], [false, true, 96]);
});
