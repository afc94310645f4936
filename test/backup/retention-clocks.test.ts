import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import type { CatalogEntry } from '../../src/backup/catalog.ts';
import { selectForRemoval, selectRemnants } from '../../src/backup/retention.ts';
import type { KeepPolicy } from '../../src/config/config.ts';
import { NONE, backup, daysUpTo, select, namesOf, times } from './dated.ts';

const week = () => daysUpTo('2026-03-08', 7);

/** One run: its backup is made and the policy applied, by a clock that may be wrong. */
function night(store: CatalogEntry[], clock: string, keep: Partial<KeepPolicy>) {
  const own = backup(clock);
  const all = [...store, own];
  const selection = select(all, keep, { now: own.at, own: own.name });
  return { own, selection, left: selection.kept };
}

describe('clocks', () => {
  test('backups dated after the clock are kept, not counted, and named', () => {
    const backups = week();
    const { selection, own } = night(backups, '2026-03-05T12:00', { last: 2 });
    const later = backups.slice(4);
    assert.deepEqual(selection.future, namesOf(later));
    assert.ok(later.every((one) => selection.kept.includes(one) && !selection.counted.includes(one.name)));
    assert.deepEqual(times(selection.remove), ['2026-03-02T11:00', '2026-03-03T11:00', '2026-03-04T11:00']);
    assert.ok(selection.kept.includes(own));
  });

  test('a day ahead once: costs no real day its backup, that night or after', () => {
    const wrong = night(week(), '2026-03-10T11:00', { last: 7 }); // it is the 9th
    assert.deepEqual(
      times(wrong.selection.remove),
      ['2026-03-02T11:00'],
      'as the right clock would have done',
    );
    const next = night(wrong.left, '2026-03-10T02:00', { last: 7 }); // before the wrong one's date has come
    assert.deepEqual(next.selection.future, [wrong.own.name]);
    assert.deepEqual(next.selection.remove, [], 'the wrong one takes no place of the seven');
    const later = night(next.left, '2026-03-11T02:00', { last: 7 });
    assert.deepEqual(later.selection.future, [], 'its date has passed: it counts as any other');
    assert.equal(later.left.length, 7);
  });

  test('a day behind: what is newer stays, and its own backup too', () => {
    const { selection, own } = night(week(), '2026-03-07T12:00', { last: 3 });
    assert.deepEqual(times(selection.kept), [
      '2026-03-06T11:00',
      '2026-03-07T11:00',
      '2026-03-07T12:00',
      '2026-03-08T11:00',
    ]);
    assert.ok(selection.kept.includes(own) && selection.counted.includes(own.name));
  });

  test('a clock of 1970 removes nothing', () => {
    const { selection } = night(week(), '1970-01-01T00:01', { last: 1, daily: 1 });
    assert.deepEqual(selection.remove, []);
    assert.equal(selection.future.length, 7);
  });

  test('a clock that is years ahead removes no more than any other night', () => {
    const { selection } = night(week(), '2036-03-09T11:00', { last: 7, daily: 7, weekly: 4, monthly: 6 });
    assert.ok(selection.remove.length <= 1);
  });

  test("the run's own backup stays and counts, even if the clock was set back while it was made", () => {
    const backups = week();
    const own = backups[6]?.name ?? '';
    const selection = select(backups, { last: 1 }, { now: new Date('2026-03-05T12:00Z'), own });
    assert.deepEqual(selection.counted, [own]);
    assert.ok(namesOf(selection.kept).includes(own));
    assert.ok(!selection.future.includes(own));
  });

  test("the run's own backup stays although every rule would let it go", () => {
    const backups = week();
    const own = backups[0]?.name ?? '';
    const { remove, counted } = select(backups, { last: 1 }, { now: new Date('2026-03-09Z'), own });
    assert.deepEqual(remove, backups.slice(1, 6));
    assert.deepEqual(counted, [backups[6]?.name]);
  });
});

/** Backups of the last sixty days, at noon and at midnight. */
const some = (count: number) =>
  Array.from({ length: count }, () =>
    backup(new Date(Date.UTC(2026, 2, 10) - randomInt(120) * 12 * 3_600_000).toISOString().slice(0, 16)),
  );

describe('remnants', () => {
  const retention = { keep: { ...NONE, last: 3 }, now: new Date('2026-03-09T00:00Z'), own: '' };

  test('only those whose backup the policy would let go; they take no place from a backup', () => {
    const backups = daysUpTo('2026-03-08', 3);
    const old = backup('2026-03-01');
    const recent = backup('2026-03-08T12:00');
    const future = backup('2026-03-10');
    assert.deepEqual(selectRemnants(backups, [old, recent, future], retention), [old]);
    assert.deepEqual(selectForRemoval(backups, retention).remove, []);
  });

  test('one by one it is as if each were the only one more among the backups', () => {
    const rules = [
      { last: 3 },
      { daily: 4 },
      { weekly: 2 },
      { monthly: 2 },
      { last: 2, daily: 9, monthly: 1 },
    ];
    for (let round = 0; round < 200; round += 1) {
      const backups = some(randomInt(30));
      const remnants = some(10);
      const keep = { ...NONE, ...rules[round % rules.length] };
      const expected = remnants.filter((one) =>
        selectForRemoval([...backups, one], { ...retention, keep }).remove.includes(one),
      );
      assert.deepEqual(namesOf(selectRemnants(backups, remnants, { ...retention, keep })), namesOf(expected));
    }
  });

  test('all 0 keeps them too', () => {
    const remnants = [backup('2026-03-01')];
    assert.deepEqual(selectRemnants([], remnants, { ...retention, keep: NONE }), []);
  });
});
