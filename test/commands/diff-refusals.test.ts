import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactedPast, notOneHistory, parted, tooMuch } from '../../src/commands/diff/refusals.ts';
import { exitCodeOf } from '../../src/errors.ts';
import { sampleManifest } from '../backup/sample.ts';

const NIGHT = '2026-11-21T02:17:00.000Z';
const NEXT = '2026-11-22T02:17:00.000Z';

/** A backup of one cluster, as a manifest tells of it. */
const taken = (startedAt: string, revision: number, raftTerm = 3, id = '5cb4cc4d2c7d2c3a') =>
  sampleManifest({ name: `${revision}.db`, startedAt, revision, raftTerm, cluster: { name: 'prod', id } });

describe('by their manifests', () => {
  const first = taken(NIGHT, 1000);

  test('backups of one cluster are compared, also when nothing was written, or when the clock went back', () => {
    for (const newer of [taken(NEXT, 2000), taken(NEXT, 1000, 4), taken('2026-11-20T02:17:00.000Z', 900_000)])
      assert.equal(notOneHistory(first, newer), undefined);
  });

  const refused: [what: string, pair: Parameters<typeof notOneHistory>, words: RegExp][] = [
    [
      'the wrong order',
      [taken(NEXT, 2000), first],
      /1000\.db was taken before 2000\.db.* diff 1000\.db 2000\.db$/,
    ],
    [
      'a revision that fell',
      [first, taken(NEXT, 999)],
      /not of one history: the revision fell from 1000 to 999/,
    ],
    ['a term that fell', [first, taken(NEXT, 2000, 2)], /not of one history: the raft term fell from 3 to 2/],
    [
      'a revision that was lifted',
      [first, taken(NEXT, 10 ** 12)],
      /restored with a revision that was lifted/,
    ],
    [
      'another cluster',
      [taken(NEXT, 2000, 3, '0123456789abcdef'), first],
      /not of one history: the cluster's ID changed from 0123456789abcdef to 5cb4cc4d2c7d2c3a/,
    ],
  ];
  for (const [what, pair, words] of refused)
    test(`${what} is refused`, () => {
      const failure = notOneHistory(...pair) ?? assert.fail('it is not');
      assert.match(failure.message, words);
      assert.equal(exitCodeOf(failure), 2);
    });
});

test('what cannot be compared ends with 2 where another backup is to be named, and with 4 where it is not possible', () => {
  const [older, newer] = [taken(NIGHT, 1000), taken(NEXT, 2000)];
  assert.equal(exitCodeOf(parted(older, newer, 900)), 2);
  assert.equal(exitCodeOf(compactedPast(older, 1001)), 4);
  assert.equal(exitCodeOf(tooMuch()), 4);
});
