import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { notesOf, runsOf } from '../../src/history/runs.ts';
import {
  DAY,
  hundredManifests,
  type ManifestChanges,
  inventedManifest,
  MIB,
} from '../commands/invented-manifests.ts';
import { daily, NOW } from './daily.ts';

const SECOND = 1000;

describe('the runs', () => {
  test('come in the order of their times, with what was written since the one before', () => {
    const manifests = [3, 1, 2].map((day) =>
      inventedManifest({ at: NOW - day * DAY, revision: 10_000 - day * 100 }),
    );
    const runs = runsOf(manifests, NOW);
    assert.deepEqual(
      runs.map(({ revision, revisionsSince, revisionsPerDay }) => [
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
    assert.ok(runs.every((run) => notesOf(run).length === 0));
  });

  test('tell duration, throughput and quota, and leave out what an older manifest does not say', () => {
    const [old, recent] = daily(2, {
      1: { seconds: 8, rawBytes: 400 * MIB, database: { inUse: 100 * MIB, quota: 800 * MIB } },
    });
    assert.ok(old && recent);
    assert.equal(recent.seconds, 8);
    assert.equal(recent.bytesPerSecond, 50 * MIB);
    assert.deepEqual([recent.inUseBytes, recent.quotaBytes], [100 * MIB, 800 * MIB]);
    assert.ok(!('inUseBytes' in old) && !('quotaBytes' in old));
  });

  test('that are missing are a gap, and the revisions of that time an average', () => {
    const runs = daily(6, { 0: { at: NOW - 16 * DAY }, 1: { at: NOW - 15 * DAY } });
    assert.deepEqual(
      runs.map(({ gapDays }) => gapDays),
      [undefined, undefined, 11, undefined, undefined, undefined],
    );
    assert.equal(runs[2]?.revisionsSince, 1000);
    assert.equal(runs[2]?.revisionsPerDay, 91);
  });

  test('have no gap where a run came late, by hand, or where older backups were thinned out', () => {
    const ages = [150, 120, 90, 60, 30, 21, 14, 7, 6, 5, 4, 4 - 5 / 1440, 3 - 3 / 24, 2, 1];
    const runs = runsOf(
      ages.map((age, run) => inventedManifest({ at: NOW - age * DAY, revision: 1000 + run })),
      NOW,
    );
    assert.deepEqual(
      runs.flatMap(({ gapDays }) => gapDays ?? []),
      [],
    );
  });

  test('within an hour tell no revisions a day', () => {
    const [, second] = daily(2, { 0: { at: NOW - DAY - 60 * SECOND } });
    assert.ok(second);
    assert.equal(second.revisionsSince, 1000);
    assert.ok(!('revisionsPerDay' in second));
  });

  const restarts: [string, Partial<ManifestChanges>, RegExp][] = [
    ['a lower revision', { revision: 500 }, /the revision fell from 3000 to 500: restored, or a clock/],
    ['a lower raft term', { raftTerm: 1 }, /the raft term fell from 3 to 1/],
    ['another ID', { cluster: { name: 'prod', id: 'ff' } }, /the cluster's ID changed from \w+ to ff/],
    ['a revision that was lifted', { revision: 1_790_000_000_000 }, /faster than etcd can write/],
  ];
  for (const [what, change, words] of restarts) {
    test(`do not go on from one to the next with ${what}`, () => {
      const run = daily(4, { 3: change })[3];
      assert.match(run?.restart ?? '', words);
      assert.ok(run && !('revisionsSince' in run) && !('revisionsPerDay' in run));
    });
  }

  test('dated after now stand last, and are no part of any row', () => {
    const runs = daily(4, { 1: { at: NOW + 300 * DAY } });
    assert.deepEqual(
      runs.map(({ revision, future }) => [revision, future]),
      [
        [1000, undefined],
        [3000, undefined],
        [4000, undefined],
        [2000, true],
      ],
    );
    assert.equal(runs[1]?.revisionsPerDay, 1000, 'two days, 2000 revisions');
    assert.match(runs[3]?.clock ?? '', /dated after now/);
  });

  for (const seconds of [-3600, 300 * 24 * 3600]) {
    test(`whose clock was set by ${seconds} s while the backup was taken tell no duration`, () => {
      const run = daily(2, { 1: { seconds } })[1];
      assert.ok(run && !('seconds' in run) && !('bytesPerSecond' in run));
      assert.match(run.clock ?? '', /the clock was set/);
    });
  }

  test('of a hundred with everything in between never tell a negative or an impossible figure', () => {
    const runs = runsOf(hundredManifests(NOW), NOW);
    assert.equal(runs.length, 100);
    const rates = runs.flatMap(({ revisionsPerDay }) => revisionsPerDay ?? []);
    assert.equal(rates.length, 94, 'all but the first, three restarts, one by hand, one in the future');
    assert.ok(
      rates.every((rate) => rate > 0 && rate < 20_000),
      String(rates),
    );
    assert.equal(runs.filter(({ restart }) => restart !== undefined).length, 3);
    assert.equal(runs.filter(({ gapDays }) => gapDays !== undefined).length, 4);
  });
});
