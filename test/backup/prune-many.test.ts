import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseBackupName } from '../../src/backup/names.ts';
import { LIMITS, prune } from '../../src/backup/prune.ts';
import { AT_ONCE } from '../../src/util/parallel.ts';
import { replaced } from '../support/file-store.ts';
import { hoursAgo, type Counted, placeOf, upTo, find } from './counted-store.ts';

describe('a store of 10,000 backups', () => {
  const HOURS = 10_000;
  let place: Counted & AsyncDisposable;

  before(async () => {
    place = await placeOf(upTo(HOURS));
    // Nothing changes in there, and each listing of twenty thousand files takes a second.
    const files = await place.store.list();
    const list = async () => {
      place.calls.list += 1;
      return files;
    };
    place.store = replaced(place.store, { list });
  });

  after(() => place[Symbol.asyncDispose]());

  function reset(): void {
    Object.assign(place, { calls: { list: 0, readText: 0, remove: 0 }, most: 0, read: [] });
  }

  test('is read in one listing, and a manifest for each backup that is kept or goes', async () => {
    reset();
    const { remove, kept, left, ignored, future } = await find(place, { last: 7, daily: 14, monthly: 12 });
    // Two of the days and one of the months are among the last seven.
    assert.equal(kept, 7 + (14 - 2) + (12 - 1));
    assert.equal(remove.length, LIMITS.removals);
    assert.equal(left, HOURS - kept - LIMITS.removals);
    assert.deepEqual([ignored, future], [[], []]);
    const { calls, most } = place;
    // Not its own manifest: the run has just written it.
    assert.deepEqual(calls, { list: 1, readText: kept - 1 + LIMITS.removals, remove: 0 });
    assert.ok(most > 1 && most <= AT_ONCE, `${most} at once`);
  });

  test('costs one listing and no read where every rule is 0', async () => {
    reset();
    const { remove, kept } = await find(place, {});
    assert.deepEqual([remove, kept], [[], HOURS]);
    assert.deepEqual(place.calls, { list: 1, readText: 0, remove: 0 });
  });

  test('loses nothing to a clock that is years behind, and costs no more', async () => {
    reset();
    const { remove, kept, future } = await find(place, { last: 1 }, LIMITS, new Date('2020-01-01T00:00:00Z'));
    assert.deepEqual([remove, kept, future.length], [[], HOURS, HOURS - 1]);
    assert.deepEqual(place.calls, { list: 1, readText: 0, remove: 0 });
  });

  test('loses no more to a clock that is years ahead', async () => {
    reset();
    const keep = { last: 2, daily: 3 };
    const right = await find(place, keep);
    const ahead = await find(place, keep, LIMITS, new Date('2099-01-01T00:00:00Z'));
    assert.deepEqual([ahead.kept, ahead.left, ahead.future], [right.kept, right.left, []]);
  });
});

test('a store of many backups is worked off run by run, down to what the rules keep', async () => {
  const hours = 1000;
  await using place = await placeOf(upTo(hours));
  const keep = { last: 3, weekly: 2 };
  const limits = { ...LIMITS, removals: 300 };
  const runs: number[] = [];
  for (let left = 1; left > 0; ) {
    place.calls.remove = 0;
    const outdated = await find(place, keep, limits);
    const { removed, failures } = await prune(place.store, outdated.remove);
    assert.deepEqual(failures, []);
    assert.equal(place.calls.remove, 2 * removed.length);
    assert.ok(place.most <= AT_ONCE);
    runs.push(removed.length);
    left = outdated.left;
  }
  assert.deepEqual(runs, [300, 300, 300, hours - 4 - 900]);
  const expected = [hoursAgo(0), hoursAgo(1), hoursAgo(2)];
  const lastSunday = (await place.store.list())
    .map(({ name }) => name)
    .filter((name) => parseBackupName(name));
  assert.equal(lastSunday.length, 4);
  for (const name of expected) assert.ok(lastSunday.includes(name), name);
});
