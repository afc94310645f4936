import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type HistoryRun, runsOf, notesOf } from '../../src/commands/history/runs.ts';
import { sparkline } from '../../src/commands/history/sparkline.ts';
import { timelineOf } from '../../src/commands/history/timeline.ts';
import { DAY, hundredNights, type MadeUp, madeUp, MIB } from './made-up.ts';

const NOW = Date.UTC(2026, 10, 22, 8);
const HOUR = DAY / 24;
const SECOND = 1000;

/** One night a day up to the day before now, 1000 revisions each; what a night is to be different in, by its number. */
const nightly = (count: number, changes: Record<number, Partial<MadeUp>> = {}): HistoryRun[] =>
  runsOf(
    Array.from({ length: count }, (_, night) =>
      madeUp({ at: NOW - (count - night) * DAY, revision: 1000 * (night + 1), ...changes[night] }),
    ),
    NOW,
  );

describe('the nights', () => {
  test('come in the order of their times, with what was written since the one before', () => {
    const manifests = [3, 1, 2].map((day) => madeUp({ at: NOW - day * DAY, revision: 10_000 - day * 100 }));
    const nights = runsOf(manifests, NOW);
    assert.deepEqual(
      nights.map(({ revision, revisionsSince, revisionsPerDay }) => [
        revision,
        revisionsSince,
        revisionsPerDay,
      ]),
      [
        [9700, undefined, undefined],
        [9800, 100, 100],
        [9900, 100, 100],
      ],
    );
    assert.ok(nights.every((night) => notesOf(night).length === 0));
  });

  test('tell duration, throughput and quota, and leave out what an older manifest does not say', () => {
    const [old, recent] = nightly(2, {
      1: { seconds: 8, rawBytes: 400 * MIB, database: { inUse: 100 * MIB, quota: 800 * MIB } },
    });
    assert.ok(old && recent);
    assert.equal(recent.seconds, 8);
    assert.equal(recent.bytesPerSecond, 50 * MIB);
    assert.deepEqual([recent.inUseBytes, recent.quotaBytes], [100 * MIB, 800 * MIB]);
    assert.ok(!('inUseBytes' in old) && !('quotaBytes' in old));
  });

  test('that are missing are a gap, and the revisions of that time an average', () => {
    const nights = nightly(6, { 0: { at: NOW - 16 * DAY }, 1: { at: NOW - 15 * DAY } });
    assert.deepEqual(
      nights.map(({ gapDays }) => gapDays),
      [undefined, undefined, 11, undefined, undefined, undefined],
    );
    assert.equal(nights[2]?.revisionsSince, 1000);
    assert.equal(nights[2]?.revisionsPerDay, 91);
  });

  test('have no gap where a run came late, by hand, or where older backups were thinned out', () => {
    const ages = [150, 120, 90, 60, 30, 21, 14, 7, 6, 5, 4, 4 - 5 / 1440, 3 - 3 / 24, 2, 1];
    const nights = runsOf(
      ages.map((age, night) => madeUp({ at: NOW - age * DAY, revision: 1000 + night })),
      NOW,
    );
    assert.deepEqual(
      nights.flatMap(({ gapDays }) => gapDays ?? []),
      [],
    );
  });

  test('within an hour tell no revisions a day', () => {
    const [, second] = nightly(2, { 0: { at: NOW - DAY - 60 * SECOND } });
    assert.ok(second);
    assert.equal(second.revisionsSince, 1000);
    assert.ok(!('revisionsPerDay' in second));
  });

  const restarts: [string, Partial<MadeUp>, RegExp][] = [
    ['a lower revision', { revision: 500 }, /the revision fell from 3000 to 500: restored, or a clock/],
    ['a lower raft term', { raftTerm: 1 }, /the raft term fell from 3 to 1/],
    ['another ID', { cluster: { name: 'prod', id: 'ff' } }, /the cluster's ID changed from \w+ to ff/],
    ['a revision that was lifted', { revision: 1_790_000_000_000 }, /faster than etcd can write/],
  ];
  for (const [what, change, words] of restarts) {
    test(`do not go on from one to the next with ${what}`, () => {
      const night = nightly(4, { 3: change })[3];
      assert.match(night?.restart ?? '', words);
      assert.ok(night && !('revisionsSince' in night) && !('revisionsPerDay' in night));
    });
  }

  test('dated after now stand last, and are no part of any row', () => {
    const nights = nightly(4, { 1: { at: NOW + 300 * DAY } });
    assert.deepEqual(
      nights.map(({ revision, future }) => [revision, future]),
      [
        [1000, undefined],
        [3000, undefined],
        [4000, undefined],
        [2000, true],
      ],
    );
    assert.equal(nights[1]?.revisionsPerDay, 1000, 'two days, 2000 revisions');
    assert.match(nights[3]?.clock ?? '', /dated after now/);
  });

  for (const seconds of [-3600, 300 * 24 * 3600]) {
    test(`whose clock was set by ${seconds} s while the backup was taken tell no duration`, () => {
      const night = nightly(2, { 1: { seconds } })[1];
      assert.ok(night && !('seconds' in night) && !('bytesPerSecond' in night));
      assert.match(night.clock ?? '', /the clock was set/);
    });
  }

  test('of a hundred with everything in between never tell a negative or an impossible figure', () => {
    const nights = runsOf(hundredNights(NOW), NOW);
    assert.equal(nights.length, 100);
    const rates = nights.flatMap(({ revisionsPerDay }) => revisionsPerDay ?? []);
    assert.equal(rates.length, 94, 'all but the first, three restarts, one by hand, one in the future');
    assert.ok(
      rates.every((rate) => rate > 0 && rate < 20_000),
      String(rates),
    );
    assert.equal(nights.filter(({ restart }) => restart !== undefined).length, 3);
    assert.equal(nights.filter(({ gapDays }) => gapDays !== undefined).length, 4);
  });
});

describe('a sparkline', () => {
  test('goes from the least to the most, and shows what is not there', () => {
    const sparks = [{ value: 10 }, { value: 80 }, { value: 45, gapDays: 3 }, { value: undefined }];
    assert.equal(sparkline([...sparks, { value: 10, restart: 'restored', gapDays: 2 }]), '▁█ ▅·|▁');
  });

  test('of one value, of equal ones and of none is flat', () => {
    assert.equal(sparkline([{ value: 7 }]), '▁');
    assert.equal(sparkline([{ value: 7 }, { value: 7 }]), '▁▁');
    assert.equal(sparkline([{ value: undefined }]), '·');
    assert.equal(sparkline([]), '');
  });
});

describe('the time axis', () => {
  test('is to scale, but one wrong clock does not push all others together', () => {
    const { positions } = timelineOf(nightly(11), 0.1);
    assert.deepEqual(
      positions.map((position) => Math.round(position * 10)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    const wrong = timelineOf(nightly(11, { 0: { at: 0, revision: 1 } }), 0.1).positions;
    assert.equal(wrong[0], 0);
    assert.ok((wrong[1] ?? 1) < 0.4, `${wrong[1]}`);
  });

  test('puts one night, or two of one moment, into the middle', () => {
    assert.deepEqual(timelineOf(nightly(1), 0.1).positions, [0.5]);
    assert.deepEqual(timelineOf(nightly(2, { 0: { at: NOW - DAY } }), 0.1).positions, [0.5, 0.5]);
  });

  test('names no more dates than there is room for, the newest always, and each year once', () => {
    const { dates } = timelineOf(nightly(100), 0.15);
    assert.ok(dates.length >= 5 && dates.length <= 7, String(dates.length));
    assert.deepEqual(dates.at(-1), { position: 1, label: '21 Nov' });
    assert.match(dates[0]?.label ?? '', /^\d+ \w+ 2026$/);
    const hours = runsOf(
      [1, 2, 3].map((ago) => madeUp({ at: NOW - ago * HOUR })),
      NOW,
    );
    assert.equal(timelineOf(hours, 0.15).dates.at(-1)?.label, '22 Nov 07:00');
  });
});
