import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillingsOf, largestOf } from '../../src/history/usage.ts';
import { fullUsage, usageOf } from '../support/usage.ts';
import { daily } from './daily.ts';

describe('what fills it, over the runs', () => {
  test('names what took most in any run, and sums up the others', () => {
    const runs = daily(3, {
      0: { usage: usageOf({ jobs: [900, 50], pods: [100, 10], leases: [5, 20], other: [1, 2] }) },
      2: { usage: usageOf({ pods: [200, 20], nodes: [3, 0], leases: [7, 30] }) },
    });
    assert.deepEqual(fillingsOf(runs, 2), [
      { resource: 'jobs', live: [900, undefined, 0], history: [50, undefined, 0] },
      { resource: 'pods', live: [100, undefined, 200], history: [10, undefined, 20] },
      { resource: 'other', live: [6, undefined, 10], history: [22, undefined, 30] },
    ]);
    const [, , , , last] = fillingsOf(runs, 4);
    assert.equal(last?.resource, 'other', 'what no manifest names');
  });

  test('has no others where all are named, and nothing where nobody looked', () => {
    const runs = daily(2, { 1: { usage: usageOf({ pods: [200, 20] }) } });
    assert.deepEqual(
      fillingsOf(runs, 7).map(({ resource }) => resource),
      ['pods'],
    );
    assert.deepEqual(fillingsOf(daily(2), 7), []);
    assert.deepEqual(fillingsOf(daily(1, { 0: { usage: usageOf({}) } }), 7), []);
  });

  test('loses no byte of a manifest that names as many as it can', () => {
    const usage = fullUsage(80);
    const fillings = fillingsOf(daily(1, { 0: { usage } }), 7);
    assert.equal(fillings.length, 8);
    const sum = fillings.reduce((bytes, { live, history }) => bytes + (live[0] ?? 0) + (history[0] ?? 0), 0);
    assert.equal(sum, usage.total.liveBytes + usage.total.historyBytes);
  });
});

const pods = (live: number, history: number) => ({
  usage: usageOf({ jobs: [50, 0], pods: [live, history] }),
});

describe('the largest resource', () => {
  test('is that of the newest run that tells, with how it came to that', () => {
    const runs = daily(4, { 0: pods(100, 10), 1: pods(150, 20), 2: pods(80, 5) });
    assert.deepEqual(largestOf(runs), {
      resource: 'pods',
      bytes: 85,
      historyBytes: 5,
      growth: { bytes: -25, nights: 2 },
    });
  });

  test('is compared with no run of before a restore, and one that was not there grew from nothing', () => {
    const restored = daily(4, { 0: pods(100, 10), 1: { ...pods(60, 0), revision: 10 }, 3: pods(70, 0) });
    assert.deepEqual(largestOf(restored)?.growth, { bytes: 10, nights: 2 });
    assert.equal(
      largestOf(daily(2, { 0: pods(9, 9), 1: { ...pods(60, 0), revision: 10 } }))?.growth,
      undefined,
    );
    const anew = daily(2, { 0: { usage: usageOf({ jobs: [50, 0] }) }, 1: pods(60, 0) });
    assert.deepEqual(largestOf(anew)?.growth, { bytes: 60, nights: 1 });
  });

  test('is none where no run tells, and where only the others have a name', () => {
    assert.equal(largestOf(daily(3)), undefined);
    assert.equal(largestOf(daily(1, { 0: { usage: usageOf({ other: [9, 9] }) } })), undefined);
  });
});
