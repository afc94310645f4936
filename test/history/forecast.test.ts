import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forecast, type PastRun } from '../../src/history/forecast.ts';

const DAY = 24 * 60 * 60 * 1000;
const MIB = 2 ** 20;
const START = Date.UTC(2026, 10, 1, 2);
const NOW = START + 30 * DAY;

/** One night a day, from the size in use on each in MiB; undefined: no backup that night. */
const runsOf = (sizes: readonly (number | undefined)[]): PastRun[] =>
  sizes.flatMap((inUse, day) =>
    inUse === undefined
      ? []
      : [
          {
            clusterId: 'c',
            at: START + day * DAY,
            revision: 1000 * (day + 1),
            raftTerm: 2,
            inUse: inUse * MIB,
          },
        ],
  );

const rising = (nights: number, perNight = 10): number[] =>
  Array.from({ length: nights }, (_, day) => 100 + day * perNight);

describe('a forecast', () => {
  test('tells the days until the quota, and on how many nights it rests', () => {
    const told = forecast(runsOf(rising(10)), 390 * MIB, NOW);
    assert.deepEqual(told, { kind: 'days', days: 20, bytesPerDay: 10 * MIB, nights: 10 });
  });

  test('is not moved by one odd night, nor by gaps', () => {
    const sizes: (number | undefined)[] = rising(20);
    sizes[7] = 900;
    sizes[3] = undefined;
    sizes[12] = undefined;
    const told = forecast(runsOf(sizes), 390 * MIB, NOW);
    assert.ok(told.kind === 'days');
    assert.ok(Math.abs(told.days - 10) < 1, String(told.days));
    assert.equal(told.nights, 18);
  });

  test('is 0 days where the quota is reached already', () => {
    const told = forecast(runsOf(rising(10)), 150 * MIB, NOW);
    assert.ok(told.kind === 'days');
    assert.equal(told.days, 0);
  });

  test('does not depend on the order in which it is told of the nights', () => {
    const nights = runsOf(rising(10));
    assert.deepEqual(forecast(nights.toReversed(), 390 * MIB, NOW), forecast(nights, 390 * MIB, NOW));
  });

  const silent: [string, PastRun[], number | undefined, RegExp][] = [
    ['no nights at all', [], 390 * MIB, /takes 5 nights, and there are 0/],
    ['too few nights', runsOf(rising(4)), 390 * MIB, /takes 5 nights, and there are 4/],
    [
      'no quota, or none that anybody told',
      runsOf(rising(10)),
      undefined,
      /^no quota of the members is known$/,
    ],
    [
      'nights within one day',
      runsOf(rising(10)).map((night, index) => ({ ...night, at: START + index * 60_000 })),
      390 * MIB,
      /less than 3 days/,
    ],
    [
      'a cluster that was restored a few nights ago',
      runsOf(rising(10)).map((night, index) =>
        index < 8 ? { ...night, revision: night.revision + 1e6 } : night,
      ),
      390 * MIB,
      /takes 5 nights, and there are 2/,
    ],
    [
      'a cluster that was restored with a revision that was lifted',
      runsOf(rising(10)).map((night, index) =>
        index < 8 ? night : { ...night, revision: night.revision + START },
      ),
      390 * MIB,
      /takes 5 nights, and there are 2/,
    ],
    [
      'nights after a long gap',
      runsOf(rising(10)).map((night, index) => (index < 7 ? { ...night, at: night.at - 60 * DAY } : night)),
      390 * MIB,
      /takes 5 nights, and there are 3/,
    ],
  ];
  for (const [what, nights, quota, why] of silent) {
    test(`says nothing of ${what}`, () => {
      const told = forecast(nights, quota, NOW);
      assert.ok(told.kind === 'unknown');
      assert.match(told.why, why);
    });
  }

  const flat: [string, readonly number[]][] = [
    ['shrinks', rising(10).toReversed()],
    ['stays', rising(10, 0)],
    ['goes up and down', Array.from({ length: 20 }, (_, day) => (day % 2 === 0 ? 100 : 120))],
    ['grows so little that nobody lives to see it', rising(10, 0.01)],
  ];
  for (const [what, sizes] of flat) {
    test(`is none for a database that ${what}`, () => {
      assert.equal(forecast(runsOf(sizes), 390 * MIB, NOW).kind, 'not-rising');
    });
  }

  test('does without nights that a wrong clock dated after now', () => {
    const nights = runsOf(rising(20)).map((night, index) =>
      index >= 5 && index < 8 ? { ...night, at: night.at + 300 * DAY } : night,
    );
    const told = forecast(nights, 390 * MIB, NOW);
    assert.ok(told.kind === 'days');
    assert.equal(told.nights, 17);
    assert.ok(Math.abs(told.days - 10) < 1, String(told.days));
  });
});
