import { crcOf } from './crc.ts';
import type { Entry, EntryVisitor } from './entries.ts';
import { KEY_NUMBER_BYTES, keyNumbers } from './key-numbers.ts';
import { LEAF_BYTES, PIECE_BYTES, type Pieces, pieceList } from './pieces.ts';
import type { Structure } from './structure.ts';

/** HashKV's three numbers. */
export interface KeySpaceHash {
  hash: number;
  /** what is later counts as not there */
  revision: number;
  /** what a compaction to this revision takes away counts as not there; -1 where there was none */
  compactRevision: number;
}

/**
 * `too-large`: it would have taken more memory than it may. `no-keys`: at that revision no key exists; etcd then takes in
 * whatever its compaction has left so far, and two members need not say the same (its mvcc/hash.go: `len(h.keep) > 0`).
 */
export type ComputedHash =
  | ({ kind: 'computed' } & KeySpaceHash)
  | { kind: 'not-computed'; why: 'too-large' | 'no-keys' };

export interface HashReader extends EntryVisitor {
  leaf(rank: number, entries: number): void;
  /** Once every entry was seen. */
  hash(): ComputedHash;
}

/** Of what the hash is computed, and in how much memory. */
export interface HashOptions extends Omit<KeySpaceHash, 'hash'> {
  structure: Pick<Structure, 'leaves' | 'inlineLeaf' | 'keys'>;
  maxBytes: number;
}

/** etcd begins with the name of its bucket. */
const BUCKET = Buffer.from('key');
/** The tag of a piece that counts in any case. */
const ALWAYS = 0;
/** With the newest revision of the key beside its number. */
const KEY_BYTES = KEY_NUMBER_BYTES + 8;

/**
 * Computes from a database what etcd's HashKV says of it (its server/storage/mvcc/hash.go): the CRC over the records of
 * all revisions up to one, in their order; of those at or below the compact revision only what a compaction keeps, the
 * newest of each key that exists. So it is the same while a compaction to there is still under way.
 *
 * Leaves come in any order, so each leaf leaves pieces with a CRC of their own, which are joined at the end. What is newer
 * than the compact revision counts in any case, and all such in a leaf are one piece. Each older record is a piece of its
 * own, since a later leaf, or one that has been, may have a newer one of its key.
 */
export function hashReader(options: HashOptions): HashReader {
  const { structure, revision, compactRevision } = options;
  const maxBytes = Math.max(0, options.maxBytes);
  const leaves = structure.inlineLeaf === undefined ? structure.leaves.length : 1;
  const entries = structure.keys; // of all buckets, so more than there are
  const pieces = pieceList(leaves, Math.min(leaves + entries, Math.floor(maxBytes / PIECE_BYTES)));
  const keys = keyStates(compactRevision > 0 ? Math.min(entries, Math.floor(maxBytes / KEY_BYTES)) : 0);
  const run = recordRun(pieces);
  let left = 0;
  let isFull = leaves * LEAF_BYTES > maxBytes;

  /** Whether all of a leaf's entries could be kept: nothing is ever written behind the end of an array. */
  function hasRoom(count: number): boolean {
    const pieceBytes = leaves * LEAF_BYTES + (pieces.count + count) * PIECE_BYTES;
    const keyBytes = compactRevision > 0 ? (keys.count + count) * KEY_BYTES : 0;
    return pieceBytes + keyBytes <= maxBytes;
  }

  function add(entry: Entry): void {
    if (entry.main > revision) return;
    if (entry.main > compactRevision) {
      if (compactRevision > 0) keys.supersede(entry);
      run.add(entry, ALWAYS);
      return;
    }
    run.end();
    run.add(entry, keys.tagOf(entry));
    run.end();
  }

  return {
    leaf(rank, count) {
      pieces.begin(rank);
      left = count;
      isFull ||= !hasRoom(count);
    },
    entry(entry) {
      if (isFull) return;
      add(entry);
      left -= 1;
      // The next leaf may lie in the same bytes.
      if (left === 0) run.end();
    },
    hash() {
      if (isFull) return { kind: 'not-computed', why: 'too-large' };
      pieces.keep((tag) => tag === ALWAYS || keys.counts(tag));
      if (compactRevision > 0 && !keys.someExist()) return { kind: 'not-computed', why: 'no-keys' };
      return { kind: 'computed', hash: pieces.joinedTo(crcOf(BUCKET)), revision, compactRevision };
    },
  };
}

/** Records that lie one behind the other are one piece: a call for each would cost more than its CRC. */
function recordRun(pieces: Pieces) {
  let bytes: Buffer = BUCKET;
  let at = 0;
  let end = 0;
  let runTag = ALWAYS;
  function endRun(): void {
    if (end > at) pieces.add(crcOf(bytes.subarray(at, end)), end - at, runTag);
    at = 0;
    end = 0;
  }
  return {
    add(entry: Entry, tag: number): void {
      if (entry.recordAt !== end) {
        endRun();
        at = entry.recordAt;
      }
      bytes = entry.bytes;
      end = entry.recordEnd;
      runTag = tag;
    },
    end: endRun,
  };
}

/** What is known of the keys that have a revision at or below the compact revision, and of those that have a newer one. */
function keyStates(most: number) {
  const numbers = keyNumbers(most);
  /** the newest revision that was seen, negative for a deletion; 0 where there was none */
  const newest = new Float64Array(most);
  const numberOf = ({ bytes, keyAt, keyLength }: Entry): number => numbers.of(bytes, keyAt, keyLength);
  return {
    get count() {
      return numbers.count;
    },
    /** A newer revision of its key: older ones do not count. */
    supersede(entry: Entry): void {
      const number = numberOf(entry);
      const { main } = entry;
      if (main > Math.abs(newest[number] ?? 0)) newest[number] = entry.isTombstone ? -main : main;
    },
    /** The key of a piece, and whether it was deleted there. */
    tagOf: (entry: Entry): number => 2 * numberOf(entry) + (entry.isTombstone ? 2 : 1),
    /** Whether that is the newest of its key and no deletion; to be asked from the newest piece to the oldest. */
    counts(tag: number): boolean {
      const number = (tag - 1) >>> 1;
      if (newest[number] !== 0) return false;
      const exists = (tag & 1) === 1;
      newest[number] = exists ? 1 : -1;
      return exists;
    },
    /** Whether there is any key at all; known once every piece was asked for. */
    someExist: (): boolean => newest.subarray(0, numbers.count).some((revision) => revision > 0),
  };
}
