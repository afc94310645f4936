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
import { nightly, NOW } from './nightly.ts';

const SECOND = 1000;

describe('the nights', () => {
  test('come in the order of their times, with what was written since the one before', () => {
    const manifests = [3, 1, 2].map((day) =>
      inventedManifest({ at: NOW - day * DAY, revision: 10_000 - day * 100 }),
    );
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
      ages.map((age, night) => inventedManifest({ at: NOW - age * DAY, revision: 1000 + night })),
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

  const restarts: [string, Partial<ManifestChanges>, RegExp][] = [
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
    const nights = runsOf(hundredManifests(NOW), NOW);
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
