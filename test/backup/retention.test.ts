import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoredBackup } from '../../src/backup/inventory.ts';
import { backupName, manifestName, parseBackupName } from '../../src/backup/names.ts';
import { selectForRemoval, selectRemnants, type Keep } from '../../src/backup/retention.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NONE: Keep = { last: 0, daily: 0, weekly: 0, monthly: 0 };
let revisions = 0;

/** A backup of this time (`YYYY-MM-DD`, or with `THH:MM` behind it). */
function backup(time: string, revision = ++revisions): StoredBackup {
  const at = new Date(time.includes('T') ? `${time}:00Z` : `${time}T11:00:00Z`);
  const name = backupName({ at, revision, compression: 'zstd' });
  const named = parseBackupName(name);
  assert.ok(named);
  return { name, ...named, storedSize: 5, files: [name, manifestName(name)] };
}

function daysUpTo(last: string, count: number): StoredBackup[] {
  const end = Date.parse(`${last}T11:00:00Z`);
  return Array.from({ length: count }, (_, age) =>
    backup(new Date(end - age * DAY_MS).toISOString().slice(0, 16)),
  ).toReversed();
}

const times = (backups: readonly { name: string }[]) =>
  backups
    .map(({ name }) => name)
    .toSorted()
    .map((name) => parseBackupName(name)?.at.toISOString().slice(0, 16));

/** The times of what is kept, oldest first. */
function keptOf(
  backups: StoredBackup[],
  keep: Partial<Keep>,
  now = '2030-01-01T00:00',
): (string | undefined)[] {
  const occasion = { now: new Date(`${now}:00Z`), own: '' };
  return times(selectForRemoval(backups, { ...NONE, ...keep }, occasion).kept);
}

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

  test('every kept one has its reasons; removal starts with the oldest', () => {
    const backups = daysUpTo('2026-03-04', 5);
    const own = backups[4]?.name ?? '';
    const { kept, remove, future } = selectForRemoval(
      backups,
      { last: 1, daily: 2, weekly: 1, monthly: 1 },
      { now: new Date('2026-03-04T12:00Z'), own },
    );
    assert.deepEqual(kept, [
      { name: own, reasons: ['last', 'daily', 'weekly', 'monthly', 'own'] },
      { name: backups[3]?.name, reasons: ['daily'] },
    ]);
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
    const { remove } = selectForRemoval([second, first], { ...NONE, last: 1 }, { now: second.at, own: '' });
    assert.deepEqual(remove, [first]);
  });

  test('nothing there, nothing to do', () => {
    const nothing = selectForRemoval([], { ...NONE, last: 7 }, { now: new Date(), own: '' });
    assert.deepEqual(nothing, { remove: [], kept: [], future: [] });
  });
});

const week = () => daysUpTo('2026-03-08', 7);

/** One run: its backup is made and the policy applied, by a clock that may be wrong. */
function night(store: StoredBackup[], clock: string, keep: Partial<Keep>) {
  const own = backup(clock);
  const all = [...store, own];
  const selection = selectForRemoval(all, { ...NONE, ...keep }, { now: own.at, own: own.name });
  return { own, selection, left: all.filter((one) => !selection.remove.includes(one)) };
}

describe('clocks', () => {
  test('backups dated after the clock are kept, not counted, and named', () => {
    const backups = week();
    const { selection, own } = night(backups, '2026-03-05T12:00', { last: 2 });
    const later = backups.slice(4).map(({ name }) => name);
    assert.deepEqual(selection.future.toSorted(), later);
    assert.deepEqual(selection.kept.filter(({ reasons }) => reasons.includes('future')).length, later.length);
    assert.deepEqual(times(selection.remove), ['2026-03-02T11:00', '2026-03-03T11:00', '2026-03-04T11:00']);
    assert.ok(selection.kept.some(({ name }) => name === own.name));
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
    assert.ok(selection.kept.some(({ name, reasons }) => name === own.name && reasons.includes('last')));
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
    const selection = selectForRemoval(
      backups,
      { ...NONE, last: 1 },
      { now: new Date('2026-03-05T12:00Z'), own },
    );
    assert.deepEqual(selection.kept.find(({ name }) => name === own)?.reasons, ['last', 'own']);
    assert.ok(!selection.future.includes(own));
  });

  test("the run's own backup stays although every rule would let it go", () => {
    const backups = week();
    const own = backups[0]?.name ?? '';
    const { remove } = selectForRemoval(backups, { ...NONE, last: 1 }, { now: new Date('2026-03-09Z'), own });
    assert.deepEqual(remove, backups.slice(1, 6));
  });
});

describe('remnants', () => {
  const occasion = { now: new Date('2026-03-09T00:00Z'), own: '' };

  test('only those whose backup the policy would let go; they take no place from a backup', () => {
    const backups = daysUpTo('2026-03-08', 3);
    const old = backup('2026-03-01');
    const recent = backup('2026-03-08T12:00');
    const future = backup('2026-03-10');
    const keep = { ...NONE, last: 3 };
    assert.deepEqual(selectRemnants({ backups, remnants: [old, recent, future] }, keep, occasion), [old]);
    assert.deepEqual(selectForRemoval(backups, keep, occasion).remove, []);
  });

  test('all 0 keeps them too', () => {
    const remnants = [backup('2026-03-01')];
    assert.deepEqual(selectRemnants({ backups: [], remnants }, NONE, occasion), []);
  });
});
