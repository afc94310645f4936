import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import type { Manifest } from '../../../src/backup/manifest.ts';
import { WrongSnapshot } from '../../../src/backup/proof.ts';
import { crcOf } from '../../../src/bolt/hash/crc.ts';
import type { Structure } from '../../../src/bolt/structure.ts';
import { countedAt } from '../../../src/bolt/usage/counter.ts';
import type { HashAgreement, HashKV } from '../../../src/etcd/types.ts';
import { contentsReader } from '../../../src/steps/backup/contents.ts';
import { clusterOf, idOf, member, policyOf } from '../../support/cluster-status.ts';

/** What a member says that holds no revision. */
const SAID: HashKV = { hash: crcOf(Buffer.from('key')), revision: 1, compactRevision: -1 };

const STRUCTURE: Structure = {
  head: { pageSize: 4096, pages: 4, root: 2, littleEndian: true },
  keys: 2,
  revision: 1,
  compactRevision: -1,
  consistentIndex: 1,
  leaves: new Uint32Array(),
};

const agreed = (hash: HashKV): HashAgreement => ({ kind: 'agreed', byMember: { [idOf('a')]: hash } });

/** What is found in a backup without a revision in it. */
function foundIn(
  hashes: HashAgreement,
  structure: Partial<Structure> = {},
  warn: (warning: string) => void = () => undefined,
): Pick<Manifest, 'usage' | 'hashKV'> {
  const a = member('a');
  const task = {
    cluster: clusterOf([a], { hashes }),
    config: policyOf(),
    member: a,
    log: pino({ level: 'silent' }),
    warn,
  };
  return contentsReader(task, { revision: 1 }, { ...STRUCTURE, ...structure }).found();
}

const hashFound = (hashes: HashAgreement, structure?: Partial<Structure>): HashKV | undefined =>
  foundIn(hashes, structure).hashKV;

describe('the hash of a backup', () => {
  test('is in its manifest where the members say the same', () => {
    assert.deepEqual(hashFound(agreed(SAID)), SAID);
  });

  test('fails it where they say something else, and tells what to do', () => {
    assert.throws(
      () => hashFound(agreed({ ...SAID, hash: 5 })),
      (error) => {
        assert.ok(error instanceof WrongSnapshot);
        assert.match(error.message, /is \d+ instead of 5\): its checksum fits, .*add it anew, empty$/);
        return true;
      },
    );
  });

  test('is in its manifest where nobody was asked', () => {
    assert.deepEqual(hashFound({ kind: 'not-checked', message: 'one member' }), SAID);
  });

  test('is not there where its revision was compacted away meanwhile, or no key exists', () => {
    assert.equal(hashFound(agreed(SAID), { revision: 9, compactRevision: 8 }), undefined);
    assert.equal(hashFound(agreed(SAID), { compactRevision: 1 }), undefined);
    assert.equal(hashFound(agreed(SAID), { compactingTo: 1 }), undefined);
  });
});

test('what would take more memory than it may is left out, with a warning for each, and fails no backup', () => {
  const warnings: string[] = [];
  const head = { ...STRUCTURE.head, pages: 2 ** 25 + 1 };
  assert.deepEqual(
    foundIn(agreed({ ...SAID, hash: 5 }), { head }, (warning) => warnings.push(warning)),
    {},
  );
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /^the backup's own hash was not computed, .* too much memory/);
  assert.match(warnings[1] ?? '', /^what fills the database was not counted, .* too much memory/);
});

test('is counted as of its own revision, or as of a compaction that passed that while it was taken', () => {
  assert.equal(countedAt(STRUCTURE, 5), 5);
  assert.equal(countedAt({ ...STRUCTURE, compactRevision: 5 }, 5), 5);
  assert.equal(countedAt({ ...STRUCTURE, compactRevision: 8 }, 5), 8);
  assert.equal(countedAt({ ...STRUCTURE, compactRevision: 4, compactingTo: 8 }, 5), 8);
});
