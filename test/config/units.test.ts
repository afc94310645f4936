import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationMs, sizeBytes } from '../../src/config/units.ts';

describe('durationMs', () => {
  const good: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['+0', 0],
    ['0s', 0],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['+5s', 5000],
    ['500ms', 500],
    ['1s500ms', 1500],
    ['30m1h', 5_400_000],
    ['0.27m', 16_200],
    ['0.07h', 252_000],
    ['1.1s', 1100],
    ['1000000ns', 1],
    ['1000us', 1],
    ['1000\u00b5s', 1],
    ['1000\u03bcs', 1],
    ['1ns', 1],
    ['1.0001ms', 2],
  ];
  for (const [text, ms] of good) test(`${text} is ${ms} ms`, () => assert.equal(durationMs(text), ms));

  const bad = [
    '10',
    '1h30',
    '.',
    '.s',
    '5S',
    '1d',
    '1w',
    '-1s',
    '-0',
    '1 s',
    ' 1s',
    '1s ',
    '1e3s',
    '1..5s',
    's',
    'x',
  ];
  for (const text of bad)
    test(`refuses "${text}"`, () => assert.throws(() => durationMs(text), /^Error: should/));
});

describe('sizeBytes', () => {
  const good: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['2147483648', 2_147_483_648],
    ['100Mi', 104_857_600],
    ['2Gi', 2_147_483_648],
    ['1.5Gi', 1_610_612_736],
    ['500M', 500_000_000],
    ['1k', 1000],
    ['1Ki', 1024],
    ['3T', 3_000_000_000_000],
    ['2Ti', 2_199_023_255_552],
    ['1P', 1_000_000_000_000_000],
    ['7Pi', 7_881_299_347_898_368],
    ['1e9', 1_000_000_000],
    ['1E9', 1_000_000_000],
    ['1.5e3', 1500],
    ['1500e-2', 15],
    ['.5Ki', 512],
    ['5.', 5],
    ['+5', 5],
    ['1.0', 1],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, bytes] of good)
    test(`${text} is ${bytes} bytes`, () => assert.equal(sizeBytes(text), bytes));

  const bad = [
    '-1',
    '1.5',
    '1.1Gi',
    '15e-1',
    '1m',
    '1000m',
    '1u',
    '1n',
    '1K',
    '1KB',
    '1MB',
    '1mi',
    '1GI',
    '1 Gi',
    '.',
  ];
  const tooLarge = ['9007199254740992', '8Pi', '1E', '1Ei', '1e16', '1e999'];
  for (const text of [...bad, ...tooLarge, 'Gi', '1e', '0x10', '1_000', '1,000', ' 1']) {
    test(`refuses "${text}"`, () => assert.throws(() => sizeBytes(text), /^Error: should/));
  }
});
