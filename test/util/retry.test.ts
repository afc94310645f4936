import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RetryPolicy, retry } from '../../src/util/retry.ts';

const always = { shouldRetry: () => true };

/** How often it was tried, and what came of it, when every try before the `goodOne`th fails. */
async function tried(goodOne: number, policy: RetryPolicy) {
  const seen: number[] = [];
  const work = async (attempt: number): Promise<string> => {
    seen.push(attempt);
    if (attempt < goodOne) throw new Error(`try ${attempt}`);
    return 'done';
  };
  const end = await retry(work, policy).catch((error: Error) => error.message);
  return { seen, end };
}

describe('what fails is tried again', () => {
  test('until it works, and no more', async () => {
    assert.deepEqual(await tried(3, { tries: 5, ...always }), { seen: [1, 2, 3], end: 'done' });
    assert.deepEqual(await tried(1, { tries: 5, ...always }), { seen: [1], end: 'done' });
  });

  test('as often as is said, the first time included; the last failure is thrown', async () => {
    assert.deepEqual(await tried(9, { tries: 3, ...always }), { seen: [1, 2, 3], end: 'try 3' });
    assert.deepEqual(await tried(9, { tries: 1, ...always }), { seen: [1], end: 'try 1' });
  });

  test('only where it may be different the next time', async () => {
    const policy: RetryPolicy = { tries: 5, shouldRetry: ({ message }) => message === 'try 1' };
    assert.deepEqual(await tried(9, policy), { seen: [1, 2], end: 'try 2' });
  });

  test('after pauses that double up to a bound', async () => {
    const began = performance.now();
    await tried(9, { tries: 4, pauseMs: 20, maxPauseMs: 40, ...always });
    const took = performance.now() - began;
    assert.ok(took >= 95, `20, 40 and 40 ms: ${took}`);
  });

  test('not once the signal has come, which ends a pause too', async () => {
    const end = new Error('the end');
    const controller = new AbortController();
    setTimeout(() => controller.abort(end), 20);
    const began = performance.now();
    const policy = { tries: 2, pauseMs: 60_000, signal: controller.signal, ...always };
    assert.deepEqual(await tried(9, policy), { seen: [1], end: 'the end' });
    assert.ok(performance.now() - began < 10_000);
    assert.deepEqual(await tried(1, policy), { seen: [], end: 'the end' });
  });

  test('never where it is a bug', async () => {
    const bug = new TypeError('undefined is not a function');
    const work = (): Promise<never> => Promise.reject(bug);
    await assert.rejects(retry(work, { tries: 5, ...always }), bug);
  });
});
