import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyNumbers } from '../../../src/bolt/keys/key-numbers.ts';
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
      let numbered = 0;
      while (numberOf(keys, numbered) >= 0) numbered += 1;
      assert.equal(keys.count(), numbered);
      assert.equal(numberOf(keys, numbered + 1), -1);
      assert.equal(numberOf(keys, numbered - 1), numbered - 1);
    }
    assert.equal(room.taken(), 2000 * 8 + 4096 * 4);
  });

  test('goes on where somebody leaves his room to the others', () => {
    const room = roomOf(40_000);
    const keys = keyNumbers(room, Infinity);
    const share = shareOf(room);
    assert.ok(share.take(36_000 - 100));
    let numbered = 0;
    while (numberOf(keys, numbered) >= 0) numbered += 1;
    assert.equal(numbered, 0);
    share.giveAll();
    assert.equal(share.taken(), 0);
    for (; numbered < 1500; numbered += 1) assert.equal(numberOf(keys, numbered), numbered);
  });
});

test('columns take room as keys come, and have none for a key without a number', () => {
  const room = roomOf(100);
  const hasRoom = columnRoom(room, 24);
  assert.deepEqual([hasRoom(-1), room.taken()], [false, 0]);
  assert.deepEqual([hasRoom(2), hasRoom(0), hasRoom(-1), room.taken()], [true, true, false, 72]);
  assert.deepEqual([hasRoom(4), hasRoom(3), room.taken()], [false, true, 96]);
});
