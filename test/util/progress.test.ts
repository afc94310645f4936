import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { progress, type ProgressFields } from '../../src/util/progress.ts';

const MB = 1_000_000;

/** Feeds `[ms since the last, bytes]` one after another and gives what was told. */
function told(
  totalBytes: number,
  steps: readonly (readonly [ms: number, bytes: number])[],
): ProgressFields[] {
  const all: ProgressFields[] = [];
  let clock = 5_000;
  const pass = progress(
    totalBytes,
    (fields) => all.push(fields),
    () => clock,
  );
  for (const [ms, bytes] of steps) {
    clock += ms;
    pass(bytes);
  }
  return all;
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const percents = (fields: readonly ProgressFields[]) => fields.map(({ percent }) => percent);

describe('a stream tells how far it has come', () => {
  test('at every tenth, when it takes some time', () => {
    const fields = told(100 * MB, times(100, [200, MB] as const));
    assert.deepEqual(percents(fields), [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    assert.deepEqual(fields[4], { percent: 50, bytes: 50 * MB, megabytesPerSecond: 5 });
  });

  test('not more than once a second, when it is fast', () => {
    const fields = told(100 * MB, times(100, [30, MB] as const));
    assert.deepEqual(percents(fields), [34, 68]);
  });

  test('not at all, when it is over within a second', () => {
    assert.deepEqual(told(100 * MB, times(100, [9, MB] as const)), []);
  });

  test('at least every ten seconds, when it is slow', () => {
    const fields = told(1_000 * MB, times(30, [1_000, MB] as const));
    assert.deepEqual(percents(fields), [1, 2, 3]);
    assert.deepEqual(fields[0], { percent: 1, bytes: 10 * MB, megabytesPerSecond: 1 });
  });

  test('when it goes on after a long pause', () => {
    assert.deepEqual(percents(told(100 * MB, [[60_000, 1]])), [0]);
  });

  test('never above 100 %, though the trailer is not in what was announced', () => {
    assert.deepEqual(percents(told(10, [[1_000, 42]])), [100]);
  });

  test('in bytes alone, when nobody knows how many will come', () => {
    const fields = told(0, times(3, [5_000, MB] as const));
    assert.deepEqual(fields, [{ percent: 0, bytes: 2 * MB, megabytesPerSecond: 0.2 }]);
  });

  test('on the clock of the machine, unless it is given another', () => {
    progress(1, () => assert.fail('no second has passed'))(1);
  });
});
