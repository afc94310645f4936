import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backup, daysUpTo, select, namesOf, keptOf } from './dated.ts';

describe('the rules', () => {
  test('last: the newest n, however close together', () => {
    const backups = ['2026-03-05T02:15', '2026-03-05T02:16', '2026-03-05T02:17'].map(backup);
    assert.deepEqual(keptOf(backups, { last: 2 }), ['2026-03-05T02:16', '2026-03-05T02:17']);
  });

  test('daily: the newest of a day; days without a backup are not counted', () => {
    const backups = ['2026-03-01T01:00', '2026-03-01T23:59', '2026-03-04T00:00', '2026-03-04T12:00'].map(
      backup,
    );
    assert.deepEqual(keptOf([backup('2026-02-01T00:00'), ...backups], { daily: 2 }), [
      '2026-03-01T23:59',
      '2026-03-04T12:00',
    ]);
  });

  test('one backup on each of twelve Sundays, daily 4: the last four Sundays', () => {
    const sundays = daysUpTo('2019-11-17', 78).filter(({ at }) => at.getUTCDay() === 0);
    assert.equal(sundays.length, 12);
    assert.deepEqual(keptOf(sundays, { daily: 4 }), [
      '2019-10-27T11:00',
      '2019-11-03T11:00',
      '2019-11-10T11:00',
      '2019-11-17T11:00',
    ]);
  });

  test('a backup every day for years, daily 7, weekly 5, monthly 12: each rule by itself, kept by any', () => {
    const backups = daysUpTo('2026-03-04', 1200); // a Wednesday
    const kept = keptOf(backups, { daily: 7, weekly: 5, monthly: 12 });
    const days = [
      '2026-02-26',
      '2026-02-27',
      '2026-02-28',
      '2026-03-01',
      '2026-03-02',
      '2026-03-03',
      '2026-03-04',
    ];
    const sundays = ['2026-02-08', '2026-02-15', '2026-02-22']; // the fourth is 1 March
    const months = ['2025-04-30', '2025-05-31', '2025-06-30', '2025-07-31', '2025-08-31', '2025-09-30'];
    months.push('2025-10-31', '2025-11-30', '2025-12-31', '2026-01-31'); // February's last is one of the days
    assert.deepEqual(
      kept,
      [...months, ...sundays, ...days].map((day) => `${day}T11:00`),
    );
  });

  test('weeks run from Monday to Sunday over New Year: 2020 has a week 53', () => {
    // Monday 28 December 2020 to Sunday 3 January 2021 is one ISO week.
    const backups = ['2020-12-27', '2020-12-28', '2020-12-31', '2021-01-01', '2021-01-03', '2021-01-04'].map(
      backup,
    );
    assert.deepEqual(keptOf([backup('2020-12-01'), ...backups], { weekly: 3 }), [
      '2020-12-27T11:00',
      '2021-01-03T11:00',
      '2021-01-04T11:00',
    ]);
  });

  test('the last days of December may be in week 1 of the next year', () => {
    // Monday 30 December 2024 belongs to week 1 of 2025; so does Sunday 5 January.
    const backups = ['2024-12-29', '2024-12-30', '2025-01-05'].map(backup);
    assert.deepEqual(keptOf([backup('2024-12-01'), ...backups], { weekly: 2 }), [
      '2024-12-29T11:00',
      '2025-01-05T11:00',
    ]);
  });

  test('the same week number of different years is two weeks', () => {
    const backups = ['2025-01-01', '2025-03-05', '2026-03-04'].map(backup); // both in a week 10
    assert.deepEqual(keptOf(backups, { weekly: 2 }), ['2025-03-05T11:00', '2026-03-04T11:00']);
  });

  test('months: the same month of another year is another month; midnight divides them in UTC', () => {
    const backups = ['2025-02-10T00:00', '2026-01-31T23:59', '2026-02-01T00:00', '2026-02-28T23:59'].map(
      backup,
    );
    assert.deepEqual(keptOf([backup('2025-01-01T00:00'), ...backups], { monthly: 3 }), [
      '2025-02-10T00:00',
      '2026-01-31T23:59',
      '2026-02-28T23:59',
    ]);
  });

  test('a rule that has not found enough keeps the oldest backup too', () => {
    const backups = ['2026-03-01T01:00', '2026-03-01T02:00', '2026-03-01T03:00'].map(backup);
    assert.deepEqual(keptOf(backups, { daily: 2 }), ['2026-03-01T01:00', '2026-03-01T03:00']);
    assert.deepEqual(keptOf(backups, { daily: 1 }), ['2026-03-01T03:00']);
  });

  test('all 0 keeps everything', () => {
    assert.equal(keptOf(daysUpTo('2026-03-04', 40), {}).length, 40);
  });

  test('what rules keep is counted, however many of them do; removal starts with the oldest', () => {
    const backups = daysUpTo('2026-03-04', 5);
    const own = backups[4]?.name ?? '';
    const { kept, counted, remove, future } = select(
      backups,
      { last: 1, daily: 2, weekly: 1, monthly: 1 },
      { now: new Date('2026-03-04T12:00Z'), own },
    );
    assert.deepEqual(kept, backups.slice(3));
    assert.deepEqual(counted, namesOf(kept));
    assert.deepEqual(remove, backups.slice(0, 3));
    assert.deepEqual(future, []);
  });

  test('the order of the list does not matter, and the list is left as it is', () => {
    const backups = daysUpTo('2026-03-04', 20);
    const shuffled = backups.toSorted((a, b) => a.name.slice(6).localeCompare(b.name.slice(6)));
    const before = [...shuffled];
    assert.deepEqual(keptOf(shuffled, { daily: 3, weekly: 2 }), keptOf(backups, { daily: 3, weekly: 2 }));
    assert.deepEqual(shuffled, before);
  });

  test('two of the same second: the higher revision is the newer one', () => {
    const [first, second] = [backup('2026-03-05T02:15', 99), backup('2026-03-05T02:15', 100)];
    const { remove } = select([second, first], { last: 1 }, { now: second.at });
    assert.deepEqual(remove, [first]);
  });

  test('nothing there, nothing to do', () => {
    const nothing = select([], { last: 7 }, { now: new Date() });
    assert.deepEqual(nothing, { remove: [], kept: [], counted: [], future: [] });
  });
});
