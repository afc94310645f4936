import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formatAge,
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatMebibytes,
  formatPercent,
  formatRoundedPercent,
  formatTime,
  megabytesPerSecond,
} from '../../src/util/format.ts';

const MB = 1_000_000;
const MIB = 2 ** 20;
const DAY = 24 * 60 * 60;

describe('in words', () => {
  const rows: [what: string, found: string, expected: string][] = [
    ['few bytes', formatBytes(1023), '1023 B'],
    ['bytes in the largest unit of which there is one', formatBytes(1.5 * MIB), '1.5 MiB'],
    ['bytes beyond the largest unit', formatBytes(2 ** 51), '2048.0 TiB'],
    ['bytes in one unit', formatMebibytes(2 ** 31), '2048.0 MiB'],
    ['bytes a second', formatByteRate(3 * MIB), '3.0 MiB/s'],
    ['a share just below a threshold', formatPercent(0.44999), '44.9 %'],
    ['a share without a decimal', formatPercent(0.45), '45 %'],
    ['a share to the nearest', formatRoundedPercent(0.44999), '45.0 %'],
    ['seconds', formatDuration(119.96), '120.0 s'],
    ['minutes', formatDuration(150), '2.5 min'],
    ['hours', formatDuration(7200), '2.0 h'],
    ['an age in seconds', formatAge(119.9), '119s'],
    ['an age in minutes', formatAge(120), '2m'],
    ['an age in hours', formatAge(2 * DAY - 1), '47h'],
    ['an age in days', formatAge(2 * DAY), '2d'],
    ['an age that is yet to come', formatAge(-1), 'future'],
    ['a time', formatTime(new Date(Date.UTC(2026, 10, 22, 2, 17))), '2026-11-22 02:17:00'],
    ['a count', formatCount(12_300), '12,300'],
  ];
  for (const [what, found, expected] of rows) test(what, () => assert.equal(found, expected));
});

describe('a rate', () => {
  const rows: [name: string, bytes: number, ms: number, rate: number][] = [
    ['is millions of bytes a second', 535 * MB, 1_000, 535],
    ['has one decimal', 1_234_567, 1_000, 1.2],
    ['is rounded to the nearest', 1_250_001, 1_000, 1.3],
    ['of nothing is nothing', 0, 1_000, 0],
    ['over no time is nothing rather than infinite', 5 * MB, 0, 0],
    ['over a clock that was put back is nothing', 5 * MB, -3, 0],
  ];
  for (const [name, bytes, ms, expected] of rows) {
    test(name, () => assert.equal(megabytesPerSecond(bytes, ms), expected));
  }
});
