import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inParallel } from '../../src/util/parallel.ts';

const numbers = Array.from({ length: 40 }, (_, number) => number);

test('a few at a time, all of them, with the results in order', async () => {
  let now = 0;
  let most = 0;
  const results = await inParallel(numbers, 8, async (number) => {
    now += 1;
    most = Math.max(most, now);
    await wait((number * 7) % 5);
    now -= 1;
    return number * 2;
  });
  assert.deepEqual(
    results,
    numbers.map((number) => number * 2),
  );
  assert.equal(most, 8);
  assert.deepEqual(await inParallel([], 8, () => assert.fail('there is nothing to do')), []);
});

test('after a failure nothing more is begun, and what was begun is waited for', async () => {
  const broken = new Error('the server went away');
  const begun: number[] = [];
  const ended: number[] = [];
  const work = async (number: number) => {
    begun.push(number);
    await wait(number === 2 ? 1 : 30);
    if (number === 2) throw broken;
    ended.push(number);
  };
  await assert.rejects(inParallel(numbers, 4, work), (error) => error === broken);
  assert.deepEqual(begun, [0, 1, 2, 3]);
  assert.deepEqual(ended, [0, 1, 3]);
});
