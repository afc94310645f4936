import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isBelow,
  minorOf,
  parseVersion,
  refusedForDefragmentation,
  tellsQuota,
  warnedForDefragmentation,
} from '../../src/etcd/versions.ts';

/** Which of etcd's bugs are told of, `fine` where none is. */
function gate(version: string): string {
  const told = [refusedForDefragmentation(version), warnedForDefragmentation(version)];
  const bugs = told.map((text) => (text === undefined ? [] : [/etcd#(\d+)/.exec(text)?.[1] ?? text]));
  const [refused = [], warned = []] = bugs;
  return (
    [...refused.map((bug) => `refused ${bug}`), ...warned.map((bug) => `warned ${bug}`)].join(', ') || 'fine'
  );
}

describe('a version is defragmented or not', () => {
  const rows: [version: string, gate: string][] = [
    ['2.3.8', 'refused 11613'],
    ['3.2.32', 'refused 11613'],
    ['3.3.27', 'refused 11613'],
    ['3.4.0-rc.4', 'refused 11613, warned 20650'],
    ['3.4.0', 'refused 11613, warned 20650'],
    ['3.4.3', 'refused 11613, warned 20650'],
    ['3.4.3+git', 'refused 11613, warned 20650'],
    ['3.4.4', 'warned 20650'],
    ['3.4.23', 'warned 20650'],
    ['3.4.37', 'warned 20650'],
    ['3.4.38', 'fine'],
    ['3.4.100', 'fine'],
    ['3.5.0-alpha.0', 'refused 14733, warned 20650'],
    ['3.5.0-rc.1', 'refused 14733, warned 20650'],
    ['3.5.0', 'refused 14733, warned 20650'],
    ['3.5.5', 'refused 14733, warned 20650'],
    ['3.5.6', 'warned 20650'],
    ['3.5.13-k3s1', 'warned 20650'],
    ['3.5.22', 'warned 20650'],
    ['3.5.23', 'fine'],
    ['3.5.55', 'fine'],
    ['3.6.0-rc.1', 'warned 20650'],
    ['3.6.0', 'warned 20650'],
    ['3.6.4', 'warned 20650'],
    ['3.6.5', 'fine'],
    ['3.6.16', 'fine'],
    ['3.7.0-alpha.0', 'fine'],
    ['3.7.3', 'fine'],
    ['4.0.0', 'fine'],
  ];
  for (const [version, expected] of rows) {
    test(`${version}: ${expected}`, () => assert.equal(gate(version), expected));
  }
});

describe('the sentence', () => {
  test('of a refusal says what can happen, which bug it is, and what to upgrade to', () => {
    assert.equal(
      refusedForDefragmentation('3.4.3'),
      'etcd 3.4.3 can corrupt its database while it defragments (etcd#11613; fixed in 3.4.4)',
    );
    assert.equal(
      refusedForDefragmentation('3.5.5'),
      'etcd 3.5.5 can become inconsistent when it crashes while it defragments (etcd#14733; fixed in 3.5.6)',
    );
  });

  test('of a warning says what is done about it', () => {
    assert.match(
      warnedForDefragmentation('3.5.22') ?? '',
      /^etcd 3\.5\.22 can .*\(etcd#20650; fixed in 3\.5\.23\): only a member that keeps up with the leader is touched$/,
    );
  });

  for (const text of ['', '3.6', 'v3.6.0', 'unknown', '3.x.1', '-3.6.0']) {
    test(`of a version that cannot be read (${JSON.stringify(text)}) shows it and refuses it`, () => {
      assert.equal(parseVersion(text), undefined);
      assert.ok(
        refusedForDefragmentation(text)?.startsWith(`its version ${JSON.stringify(text)} cannot be read`),
      );
      assert.equal(warnedForDefragmentation(text), undefined);
    });
  }
});

const isBelow369 = (text: string) => isBelow(parseVersion(text) ?? assert.fail(text), 3, 6, 9);

test('numbers are compared as numbers', () => {
  assert.deepEqual(parseVersion('3.10.2-rc.0'), { major: 3, minor: 10, patch: 2 });
  assert.deepEqual(['2.9.9', '3.5.10', '3.6.8'].map(isBelow369), [true, true, true]);
  assert.deepEqual(['3.6.9', '3.6.10', '3.10.0', '4.0.0'].map(isBelow369), [false, false, false, false]);
});

test('the minor version is what members differ in during an upgrade', () => {
  assert.deepEqual(['3.5.9', '3.6.0-rc.1', '3.10.0'].map(minorOf), ['3.5', '3.6', '3.10']);
});

test('Status tells the right quota from 3.6.6 on', () => {
  const tells = ['3.6.6', '3.6.16', '3.7.0', '4.0.0'];
  const doesNot = ['', '3.4.38', '3.5.30', '3.6.0-rc.1', '3.6.0', '3.6.5'];
  assert.deepEqual(tells.filter(tellsQuota), tells);
  assert.deepEqual(doesNot.filter(tellsQuota), []);
});
