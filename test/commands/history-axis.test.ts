import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runsOf } from '../../src/history/runs.ts';
import { sparkline } from '../../src/commands/history/sparkline.ts';
import { timelineOf } from '../../src/commands/history/timeline.ts';
import { daily, NOW } from '../history/daily.ts';
import { DAY, inventedManifest } from './invented-manifests.ts';

const HOUR = DAY / 24;

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
    const { positions } = timelineOf(daily(11), 0.1);
    assert.deepEqual(
      positions.map((position) => Math.round(position * 10)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    const wrong = timelineOf(daily(11, { 0: { at: 0, revision: 1 } }), 0.1).positions;
    assert.equal(wrong[0], 0);
    assert.ok((wrong[1] ?? 1) < 0.4, `${wrong[1]}`);
  });

  test('puts one night, or two of one moment, into the middle', () => {
    assert.deepEqual(timelineOf(daily(1), 0.1).positions, [0.5]);
    assert.deepEqual(timelineOf(daily(2, { 0: { at: NOW - DAY } }), 0.1).positions, [0.5, 0.5]);
  });

  test('names no more dates than there is room for, the newest always, and each year once', () => {
    const { dates } = timelineOf(daily(100), 0.15);
    assert.ok(dates.length >= 5 && dates.length <= 7, String(dates.length));
    assert.deepEqual(dates.at(-1), { position: 1, label: '21 Nov' });
    assert.match(dates[0]?.label ?? '', /^\d+ \w+ 2026$/);
    const hours = runsOf(
      [1, 2, 3].map((ago) => inventedManifest({ at: NOW - ago * HOUR })),
      NOW,
    );
    assert.equal(timelineOf(hours, 0.15).dates.at(-1)?.label, '22 Nov 07:00');
  });
});
