import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HashAgreement, HashKV } from '../../src/etcd/types.ts';
import { compareHashes, type FileRevisions, hashPointOf } from '../../src/plan/hashes.ts';
import { idOf, member, threeMembers } from '../support/cluster-status.ts';

const SAID: HashKV = { hash: 7, revision: 100, compactRevision: 50 };
const OTHER: HashKV = { ...SAID, hash: 8 };
const FILE: FileRevisions = { revision: 120, compactRevision: 50 };
const BACKUP_REVISION = 110;

const a = member('a');
const byMember = { [idOf('a')]: SAID, [idOf('b')]: SAID, [idOf('c')]: SAID };
const agreed: HashAgreement = { kind: 'agreed', byMember };
const mismatch = (...majority: string[]): HashAgreement => ({
  kind: 'mismatch',
  byMember: { ...byMember, [idOf('c')]: OTHER },
  majority: majority.map(idOf),
  message: 'they differ',
});
/** `c` is the odd one. */
const differing = mismatch('a', 'b');

const compare = (hashes: HashAgreement, computed: HashKV | undefined, { source = a, file = FILE } = {}) =>
  compareHashes(threeMembers([], { hashes }), source, file, computed);
const pointOf = (hashes: HashAgreement, { source = a, file = FILE } = {}) =>
  hashPointOf(threeMembers([], { hashes }), source, file, BACKUP_REVISION);

describe("a backup's hash and those of the members", () => {
  test('are the same', () => {
    assert.deepEqual(compare(agreed, SAID), { kind: 'same' });
    assert.deepEqual(compare(differing, SAID), { kind: 'same' });
    assert.deepEqual(compare(agreed, SAID, { file: { revision: 100, compactRevision: -1 } }), {
      kind: 'same',
    });
  });

  test('differ: the members are told, and the two hashes', () => {
    const found = compare(agreed, OTHER);
    assert.ok(found.kind === 'differs');
    assert.match(found.message, /^the snapshot of a \(.*\) does not hold what the members said right before/);
    assert.match(found.message, /at revision 100 is 8 instead of 7/);
    const odd = compare(differing, OTHER);
    assert.ok(odd.kind === 'differs');
    assert.match(odd.message, /what the majority of the members said/);
  });

  const rows: [name: string, hashes: HashAgreement, why: RegExp, options?: Parameters<typeof pointOf>[1]][] =
    [
      ['nobody was asked', { kind: 'not-checked', message: 'nobody was asked' }, /^nobody was asked$/],
      ['the members could not be compared', { kind: 'not-comparable', message: 'a lag' }, /^a lag$/],
      ['no member answered', { kind: 'agreed', byMember: {} }, /no member told/],
      ['no majority agrees', mismatch(), /no majority/],
      [
        'it had to be taken from the odd one',
        differing,
        /^c .* is not of the majority/,
        { source: member('c') },
      ],
      ['a compaction passed', agreed, /to revision 60\) passed/, { file: { ...FILE, compactRevision: 60 } }],
      ['it ends earlier', agreed, /ends before revision 100/, { file: { ...FILE, revision: 99 } }],
    ];
  for (const [name, hashes, why, options] of rows)
    test(`are not comparable where ${name}`, () => {
      const found = compare(hashes, OTHER, options);
      assert.ok(found.kind === 'not-comparable');
      assert.match(found.message, why);
    });

  test('are not comparable where that of the backup was not computed, or at another point', () => {
    for (const computed of [undefined, { ...OTHER, revision: 99 }, { ...OTHER, compactRevision: 49 }])
      assert.equal(compare(agreed, computed).kind, 'not-comparable');
  });
});

describe('the hash is computed', () => {
  test('where the members told theirs', () => {
    assert.deepEqual(pointOf(agreed), { revision: 100, compactRevision: 50 });
    assert.deepEqual(pointOf(differing), { revision: 100, compactRevision: 50 });
  });

  test("else at the backup's revision, and where it was compacted", () => {
    const file = { revision: 120, compactRevision: 60 };
    const own = { revision: BACKUP_REVISION, compactRevision: 60 };
    assert.deepEqual(pointOf(agreed, { file }), own);
    assert.deepEqual(pointOf({ kind: 'not-checked', message: 'one member' }, { file }), own);
  });

  test('not at all where even that is compacted away', () => {
    assert.equal(pointOf(agreed, { file: { revision: 120, compactRevision: 115 } }), undefined);
  });
});
