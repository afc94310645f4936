import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, inPairs, median } from './pairs.ts';
import { alone, comparison, figure, table } from './rows.ts';

test('the median of an even number lies between the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 3]), 4);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test('whoever is first in one pair is second in the next', async () => {
  const order: string[] = [];
  const asked = (who: string) => async () => order.push(who);
  const pairs = await inPairs(3, asked('ours'), asked('theirs'));
  assert.deepEqual(order, ['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs']);
  assert.deepEqual(pairs, { ours: [1, 4, 5], theirs: [2, 3, 6] });
});

test('the ratio is the median of the pairs, with the lowest and the highest', () => {
  // The two medians would say 0.75.
  assert.deepEqual(compare([1, 8, 3], [2, 4, 6]), {
    ours: 3,
    theirs: 4,
    ratio: 0.5,
    lowest: 0.5,
    highest: 2,
  });
});

test('a value that was not measured shows', () => {
  assert.equal(comparison('it', [Number.NaN], [1])[3], 'NaN (NaN to NaN)');
  assert.equal(comparison('it', [1, 2], [1])[3], 'NaN (NaN to NaN)');
});

test('rows have what a GiB takes', () => {
  const half = 2 ** 29;
  assert.deepEqual(comparison('it', [1, 3, 2], [4, 4, 4], half), [
    'it',
    '2.00 s',
    '4.00 s',
    '0.50 (0.25 to 0.75)',
    '4.00 s / 8.00 s',
  ]);
  assert.deepEqual(alone('it', [1, 3, 2], half), ['it', '2.00 s', '', '', '4.00 s']);
});

test('every row of the table has all of its columns', () => {
  const lines = table([figure('peak', '100 MiB'), comparison('it', [1], [2])]).split('\n');
  assert.equal(lines.length, 4);
  for (const line of lines) assert.equal(line.split('|').length, 7, line);
});
