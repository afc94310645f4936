import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crcOf } from '../../../src/bolt/hash/crc.ts';
import type { Entry } from '../../../src/bolt/entries.ts';
import { type ComputedHash, hashReader } from '../../../src/bolt/hash/hash.ts';
import { keyNumbers } from '../../../src/bolt/keys/key-numbers.ts';
import { numbered } from '../../../src/bolt/keys/numbered.ts';
import { roomOf } from '../../../src/bolt/keys/room.ts';
import { type Random, seeded } from '../../support/random.ts';

/** A revision of a key, and the bytes of both its own key and its value. */
interface Written extends Pick<Entry, 'main' | 'sub' | 'isTombstone'> {
  key: string;
  record: Buffer;
}

function written(main: number, key: string, isTombstone = false, sub = 0): Written {
  // Nothing of it is read but the key, so it need not be as etcd has it.
  const value = isTombstone ? '' : '#'.repeat((main * 37) % 90);
  return { main, sub, isTombstone, key, record: Buffer.from(`${key}@${main}.${sub}${value}`) };
}

/** What a compaction leaves of each key, and where it would be at that revision (etcd's index: `Keep`). */
function keptAt(all: readonly Written[], revision: number): Set<Written> {
  const newest = new Map<string, Written>();
  for (const entry of all) if (entry.main <= revision) newest.set(entry.key, entry);
  return new Set([...newest.values()].filter(({ isTombstone }) => !isTombstone));
}

/** Word for word as etcd does it (its server/storage/mvcc/hash.go). */
function hashByRev(all: readonly Written[], revision: number, compactRevision: number): number {
  const keep = keptAt(all, revision);
  let crc = crcOf(Buffer.from('key'));
  for (const entry of all) {
    if (entry.main > revision) continue;
    if (entry.main <= compactRevision && keep.size > 0 && !keep.has(entry)) continue;
    if (entry.main === compactRevision && entry.isTombstone) continue;
    crc = crcOf(entry.record, crc);
  }
  return crc;
}

interface Seen {
  maxBytes?: number;
  /** a new order of the ranks; as they are when left out */
  shuffle?: (ranks: number[]) => number[];
  /** 4 when left out */
  perLeaf?: number;
}

function computed(
  all: readonly Written[],
  revision: number,
  compactRevision: number,
  seen: Seen = {},
): ComputedHash {
  const { shuffle = (ranks) => ranks, perLeaf = 4, maxBytes = 2 ** 20 } = seen;
  const leaves = Array.from({ length: Math.ceil(all.length / perLeaf) }, (_, rank) =>
    all.slice(rank * perLeaf, (rank + 1) * perLeaf),
  );
  const structure = { leaves: new Uint32Array(leaves.length), keys: all.length };
  const room = roomOf(maxBytes);
  const keys = keyNumbers(room, structure.keys);
  const reader = hashReader({ revision, compactRevision, structure, keys, room });
  const visitor = numbered(keys, [reader]);
  for (const rank of shuffle([...leaves.keys()])) {
    const leaf = leaves[rank] ?? [];
    const bytes = Buffer.concat([Buffer.alloc(16), ...leaf.map(({ record }) => record)]);
    let recordAt = 16;
    visitor.leaf?.(rank, leaf.length);
    for (const { record, key, ...entry } of leaf) {
      const recordEnd = recordAt + record.length;
      const itsKey = { key: -1, keyAt: recordAt, keyLength: key.length, valueLength: 0 };
      visitor.entry({ ...entry, bytes, recordAt, recordEnd, ...itsKey });
      recordAt = recordEnd;
    }
    bytes.fill(0); // they were lent
  }
  return reader.hash();
}

const is = (hash: number, revision: number, compactRevision: number): ComputedHash => ({
  kind: 'computed',
  hash,
  revision,
  compactRevision,
});

function randomHistory({ below, next: random }: Random): Written[] {
  const alive = new Set<string>();
  const all: Written[] = [];
  const revisions = 20 + below(120);
  for (let main = 2; main <= revisions; main += 1) {
    const keys = new Set(Array.from({ length: 1 + below(3) }, () => `key-${below(12)}`));
    for (const [sub, key] of [...keys].entries()) {
      const isTombstone = alive.has(key) && random() < 0.4;
      if (isTombstone) alive.delete(key);
      else alive.add(key);
      all.push(written(main, key, isTombstone, sub));
    }
  }
  return all;
}

describe('the hash of a database', () => {
  test('is what etcd says at any revision, in whatever order the leaves come and however far a compaction came', () => {
    let compared = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seeded(seed);
      const all = randomHistory(random);
      const last = all.at(-1)?.main ?? 0;
      const compactRevision = random.next() < 0.2 ? -1 : random.below(last + 1);
      const revision = compactRevision + random.below(last + 3 - compactRevision);
      // A compaction deletes the oldest first.
      const reached = random.below(compactRevision + 2) - 1;
      const keep = keptAt(all, compactRevision);
      const left = all.filter((it) => it.main > reached || keep.has(it));
      const found = computed(left, revision, compactRevision, {
        shuffle: (ranks) => random.shuffled(ranks),
        perLeaf: 1 + random.below(9),
      });
      if (keptAt(all, revision).size === 0 && compactRevision > 0) {
        assert.deepEqual(found, { kind: 'not-computed', why: 'no-keys' }, `seed ${seed}`);
        continue;
      }
      const expected = hashByRev(all, revision, compactRevision);
      assert.deepEqual(found, is(expected, revision, compactRevision), `seed ${seed}`);
      compared += 1;
    }
    assert.ok(compared > 250, `${compared}`);
  });

  test('is that of the bucket name where there is nothing', () => {
    assert.deepEqual(computed([], 1, -1), is(crcOf(Buffer.from('key')), 1, -1));
  });

  test('leaves a key that was deleted later to the deletion', () => {
    const all = [written(2, 'a'), written(3, 'b'), written(4, 'a', true)];
    const expected = crcOf(Buffer.concat([Buffer.from('key'), ...all.slice(1).map(({ record }) => record)]));
    assert.deepEqual(computed(all, 4, 3), is(expected, 4, 3));
  });

  test('takes in no deletion at the compact revision, which older versions of etcd have removed', () => {
    const all = [written(2, 'a'), written(3, 'b'), written(4, 'a', true), written(5, 'c')];
    const without = all.filter(({ isTombstone }) => !isTombstone);
    assert.deepEqual(computed(all, 5, 4), computed(without.slice(1), 5, 4));
  });

  test('is not computed where no key exists and something was compacted: etcd says then what is left so far', () => {
    const all = [written(2, 'a'), written(3, 'a', true)];
    assert.deepEqual(computed(all, 3, 2), { kind: 'not-computed', why: 'no-keys' });
    assert.deepEqual(computed(all, 3, -1), is(hashByRev(all, 3, -1), 3, -1));
  });

  test('is not computed where that takes more memory than it may', () => {
    const all = Array.from({ length: 200 }, (_, index) => written(index + 2, `key-${index}`));
    const tooLarge = { kind: 'not-computed', why: 'too-large' };
    assert.deepEqual(computed(all, 300, 200, { maxBytes: 4000 }), tooLarge);
    assert.deepEqual(computed(all, 300, -1, { maxBytes: 4000 }), is(hashByRev(all, 300, -1), 300, -1));
    for (const maxBytes of [300, 0, -1]) assert.deepEqual(computed(all, 300, -1, { maxBytes }), tooLarge);
    assert.deepEqual(computed(all, 300, 200), is(hashByRev(all, 300, 200), 300, 200));
  });
});
