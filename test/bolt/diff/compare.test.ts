import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { comparison } from '../../../src/bolt/diff/compare.ts';
import { TooManyKeys } from '../../../src/bolt/diff/seen.ts';
import type { Entry } from '../../../src/bolt/entries.ts';
import { type Random, seeded } from '../../support/random.ts';
import { compacted, entriesOf, stateAt, type Write, writeOn } from './invented-history.ts';

/** A database as it was backed up. */
interface Backup {
  revision: number;
  compacted: number;
  writes: readonly Write[];
}

const keyOf = ({ bytes, keyAt, keyLength }: Entry): string =>
  bytes.toString('utf8', keyAt, keyAt + keyLength);

/** Room for all that is compared here. */
const SOME_BYTES = 2 ** 16;

interface Choice {
  leftOut?: RegExp;
  ignored?: RegExp;
  maxBytes?: number;
}

function differenceOf(
  older: Backup,
  newer: Backup,
  { leftOut, ignored, maxBytes = SOME_BYTES }: Choice = {},
) {
  const compare = comparison({
    revisions: { older: older.revision, newer: newer.revision },
    isLeftOut: (entry) => leftOut?.test(keyOf(entry)) ?? false,
    isIgnored: (entry) => ignored?.test(keyOf(entry)) ?? false,
    maxBytes,
  });
  const newerVisitor = compare.newer(0);
  for (const entry of entriesOf(newer.writes)) newerVisitor.entry(entry);
  const olderVisitor = compare.older(0);
  for (const entry of entriesOf(older.writes)) olderVisitor.entry(entry);
  return compare.difference({ older: older.compacted, newer: newer.compacted });
}

function keysOf(older: Backup, newer: Backup, choice?: Choice) {
  const difference = differenceOf(older, newer, choice);
  return difference.kind === 'one-history' ? difference.keys : assert.fail(JSON.stringify(difference));
}

const put = (key: string, main: number, sub = 0): Write => ({ key, main, sub, isTombstone: false });
const deleted = (key: string, main: number, sub = 0): Write => ({ key, main, sub, isTombstone: true });
const backup = (revision: number, writes: readonly Write[], compactedTo = -1): Backup => ({
  revision,
  writes,
  compacted: compactedTo,
});
const NOTHING = { created: [], changed: [], deleted: [] };

describe('what became of the keys', () => {
  const cases: [what: string, older: Backup, newer: Backup, expected: Partial<typeof NOTHING> | object][] = [
    ['nothing, at one revision', backup(3, [put('a', 3)]), backup(3, [put('a', 3)]), {}],
    [
      'a key that was made',
      backup(2, [put('a', 2)]),
      backup(3, [put('a', 2), put('b', 3)]),
      { created: ['b'] },
    ],
    [
      'one that was written over',
      backup(2, [put('a', 2)]),
      backup(3, [put('a', 2), put('a', 3)]),
      { changed: ['a'] },
    ],
    [
      'one that was deleted',
      backup(2, [put('a', 2)]),
      backup(3, [put('a', 2), deleted('a', 3)]),
      { deleted: ['a'] },
    ],
    [
      'one whose tombstone is gone',
      backup(2, [put('a', 2)]),
      backup(4, [put('b', 4)], 3),
      { created: ['b'], deleted: ['a'] },
    ],
    [
      'one that was deleted and made again',
      backup(2, [put('a', 2)]),
      backup(4, [put('a', 2), deleted('a', 3), put('a', 4)]),
      { changed: ['a'] },
    ],
    [
      'the same, all but the last compacted away',
      backup(2, [put('a', 2)]),
      backup(4, [put('a', 4)], 4),
      { changed: ['a'] },
    ],
    [
      'one that came and went',
      backup(2, [put('a', 2)]),
      backup(4, [put('a', 2), put('b', 3), deleted('b', 4)]),
      {},
    ],
    [
      'one that was gone before',
      backup(3, [put('a', 2), deleted('a', 3)]),
      backup(4, [put('a', 2), deleted('a', 3), put('a', 4)]),
      { created: ['a'] },
    ],
    [
      'one that was gone before, and its tombstone now',
      backup(3, [put('a', 2), deleted('a', 3)]),
      backup(4, [put('b', 4)], 3),
      { created: ['b'] },
    ],
    [
      'one whose tombstone is gone, made again while the newer one was taken',
      backup(3, [put('a', 2), put('b', 3)]),
      backup(5, [put('a', 2), put('b', 6)], 4),
      { deleted: ['b'] },
    ],
    [
      'what was written while the newer one was taken',
      backup(2, [put('a', 2)]),
      backup(2, [put('a', 2), put('b', 3)]),
      {},
    ],
    [
      'what was written while the older one was taken',
      backup(2, [put('a', 2), put('b', 3)]),
      backup(3, [put('a', 2), put('b', 3)]),
      { created: ['b'] },
    ],
  ];
  for (const [what, older, newer, expected] of cases)
    test(what, () => assert.deepEqual(keysOf(older, newer), { ...NOTHING, ...expected }));
});

describe('of two histories', () => {
  const cases: [what: string, older: Backup, newer: Backup, revision: number][] = [
    [
      'a key that the newer one had before',
      backup(5, [put('a', 2)]),
      backup(9, [put('a', 2), put('b', 4)]),
      4,
    ],
    ['one that it should have', backup(5, [put('a', 2), put('b', 4)]), backup(9, [put('a', 2)]), 4],
    ['one that it has with an earlier revision', backup(5, [put('a', 4)]), backup(9, [put('a', 2)], 5), 4],
    ['one that it has with a later revision', backup(5, [put('a', 2)]), backup(9, [put('a', 4)], 8), 4],
    [
      'one that is of another place in the transaction',
      backup(5, [put('a', 4)]),
      backup(9, [put('a', 4, 1)]),
      4,
    ],
    ['one that was deleted in one of them', backup(5, [put('a', 4)]), backup(9, [deleted('a', 4)]), 4],
    [
      'a deletion that the older one should have',
      backup(5, [put('b', 2)], 2),
      backup(9, [put('b', 2), deleted('a', 4)]),
      4,
    ],
    [
      'a deletion before which the older one has a put',
      backup(5, [put('a', 2)], 5),
      backup(9, [deleted('a', 4)]),
      4,
    ],
    [
      'a deletion that the newer one should have',
      backup(5, [deleted('a', 4)]),
      backup(9, [put('b', 9)], 3),
      4,
    ],
    [
      'the first of several',
      backup(9, [put('a', 4), put('b', 5), put('c', 6)]),
      backup(9, [put('a', 4), put('b', 6), put('c', 7)]),
      6,
    ],
  ];
  for (const [what, older, newer, revision] of cases)
    test(`${what} tells`, () =>
      assert.deepEqual(differenceOf(older, newer), { kind: 'other-history', revision }));

  test('a tombstone that one of them may have compacted away tells nothing', () => {
    assert.deepEqual(keysOf(backup(5, [], 4), backup(9, [deleted('a', 4)], 3)), NOTHING);
    assert.deepEqual(keysOf(backup(5, [deleted('a', 4)], 3), backup(9, [], 4)), NOTHING);
  });
});

test('what is left out is counted, and what is ignored is not', () => {
  const older = backup(4, [put('events/a', 2), put('events/b', 3), put('lock', 4)]);
  const newer = backup(9, [
    ...older.writes,
    deleted('events/a', 5),
    put('events/c', 6),
    deleted('lock', 7),
    put('a', 8),
  ]);
  const compactedAway = backup(9, [put('events/b', 3), put('events/c', 6), put('a', 8)], 7);
  for (const one of [newer, compactedAway])
    assert.deepEqual(differenceOf(older, one, { leftOut: /^events/, ignored: /^lock$/ }), {
      kind: 'one-history',
      keys: { ...NOTHING, created: ['a'] },
      leftOut: { created: 1, changed: 0, deleted: 1 },
    });
});

test('too many keys, or too many that changed, are told and nothing else', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => put(`key-${index}`, index + 2));
  const one = backup(30_000, many);
  assert.throws(() => differenceOf(one, one, { maxBytes: 2 ** 19 }), TooManyKeys);
  assert.deepEqual(keysOf(one, one, { maxBytes: 1.5 * 2 ** 20 }), NOTHING);
  assert.throws(() => differenceOf(backup(1, []), one, { maxBytes: 1.5 * 2 ** 20 }), TooManyKeys);
  assert.throws(
    () => differenceOf(one, backup(30_000, [], 30_000), { maxBytes: 1.5 * 2 ** 20 }),
    TooManyKeys,
  );
});

test('what is held of a database meanwhile is a part of the memory', () => {
  const compare = comparison({
    revisions: { older: 2, newer: 3 },
    isLeftOut: () => false,
    isIgnored: () => false,
    maxBytes: 2 ** 20,
  });
  assert.throws(() => compare.newer(2 ** 20 + 1), TooManyKeys);
  const few = compare.newer(2 ** 20 - 1000);
  const [entry = assert.fail()] = entriesOf([put('a', 2)]);
  assert.throws(() => few.entry(entry), TooManyKeys);
  compare.older(0).entry(entry);
});

/** What is to come out, by the two states alone. */
function expectedOf(older: readonly Write[], newer: readonly Write[], [o, n]: [number, number]) {
  const before = stateAt(older, o);
  const after = stateAt(newer, n);
  const names = [...before.keys(), ...after.keys()].toSorted();
  const keysThat = (is: (key: string) => boolean) => [...new Set(names.filter(is))];
  return {
    created: keysThat((key) => !before.has(key)),
    changed: keysThat((key) => {
      const [was, is] = [before.get(key), after.get(key)];
      return was !== undefined && is !== undefined && (was.main !== is.main || was.sub !== is.sub);
    }),
    deleted: keysThat((key) => !after.has(key)),
  };
}

/** A backup of a history up to some of its last revisions, compacted to somewhere, in any order. */
function backUp(history: readonly Write[], leastCompacted: number, random: Random): Backup {
  const last = history.at(-1)?.main ?? 1;
  const revision = Math.max(leastCompacted, last - random.below(3));
  const to = leastCompacted + random.below(revision - leastCompacted + 1);
  const writes = compacted(history, to, random.next() < 0.5 ? 1 : random.next(), random);
  return { revision, compacted: to, writes: random.shuffled(writes) };
}

test('thousands of histories, in any order, at every stage of a compaction', () => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const random = seeded(seed);
    const keys = 2 + random.below(12);
    const past = writeOn([], 1 + random.below(20), keys, random);
    const older = backUp(past, 0, random);
    const history = writeOn(past, random.below(20), keys, random);
    const newer = backUp(history, older.compacted, random);
    if (newer.revision < older.revision) continue;
    const expected = expectedOf(history, history, [older.revision, newer.revision]);
    assert.deepEqual(keysOf(older, newer), expected, `seed ${seed}`);
  }
});

test('histories that part are seen to, or the two states are compared all the same', () => {
  let parted = 0;
  for (let seed = 1; seed <= 3000; seed += 1) {
    const random = seeded(seed);
    const keys = 2 + random.below(12);
    const past = writeOn([], 1 + random.below(10), keys, random);
    const lost = writeOn(past, 1 + random.below(10), keys, random);
    const older = backUp(lost, 0, random);
    const history = writeOn(past, 1 + random.below(30), keys, random);
    const newer = backUp(history, random.below(5), random);
    if (newer.revision < older.revision) continue;
    const found = differenceOf(older, newer);
    if (found.kind === 'other-history') parted += 1;
    else
      assert.deepEqual(
        found.keys,
        expectedOf(lost, history, [older.revision, newer.revision]),
        `seed ${seed}`,
      );
  }
  assert.ok(parted > 1000, `${parted} were seen`);
});
