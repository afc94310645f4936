import { crcOf } from './crc.ts';
import type { Entry, EntryVisitor } from '../entries.ts';
import type { KeyNumbers } from '../keys/key-numbers.ts';
import { type Pieces, pieceList } from './pieces.ts';
import { columnRoom, type Room, shareOf } from '../keys/room.ts';
import type { Structure } from '../structure.ts';

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

/** Of what the hash is computed, and in what memory. */
export interface HashOptions extends Omit<KeySpaceHash, 'hash'> {
  structure: Pick<Structure, 'leaves' | 'inlineLeaf' | 'keys'>;
  /** those that the entries come with */
  keys: KeyNumbers;
  room: Room;
}

/** etcd begins with the name of its bucket. */
const BUCKET = Buffer.from('key');
/** The tag of a piece that counts in any case. */
const ALWAYS = 0;
/** What a key takes beside its number: its newest revision. */
export const HASH_KEY_BYTES = 8;

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
  const { revision, compactRevision } = options;
  const room = shareOf(options.room);
  let computing: Computing | undefined = begin(options, room);
  let left = 0;

  /** Leaves what it has taken to the others. */
  function giveUp(): void {
    computing = undefined;
    room.giveAll();
  }

  return {
    leaf(rank, count) {
      left = count;
      if (computing?.pieces.hasRoom(count)) computing.pieces.begin(rank);
      else giveUp();
    },
    entry(entry) {
      if (computing === undefined) return;
      if (!add(computing, entry)) {
        giveUp();
        return;
      }
      left -= 1;
      // The next leaf may lie in the same bytes.
      if (left === 0) computing.run.end();
    },
    hash() {
      // Of a database without a leaf nobody has asked yet.
      if (!computing?.pieces.hasRoom(0)) return { kind: 'not-computed', why: 'too-large' };
      const { pieces, keys } = computing;
      pieces.keep((tag) => tag === ALWAYS || keys.counts(tag));
      if (compactRevision > 0 && !keys.someExist()) return { kind: 'not-computed', why: 'no-keys' };
      return { kind: 'computed', hash: pieces.joinedTo(crcOf(BUCKET)), revision, compactRevision };
    },
  };
}

interface Computing extends Pick<HashOptions, 'revision' | 'compactRevision'> {
  pieces: Pieces;
  keys: KeyStates;
  run: RecordRun;
}

function begin({ structure, revision, compactRevision, keys }: HashOptions, room: Room): Computing {
  const leaves = structure.inlineLeaf === undefined ? structure.leaves.length : 1;
  const pieces = pieceList(leaves, structure.keys, room); // keys of all buckets, so more than there are
  const states = keyStates(keys, compactRevision > 0 ? keys.most : 0, room);
  return { revision, compactRevision, pieces, keys: states, run: recordRun(pieces) };
}

/** @returns false where there is no room for the key */
function add({ revision, compactRevision, keys, run }: Computing, entry: Entry): boolean {
  if (entry.main > revision) return true;
  if (compactRevision > 0 && !keys.hasRoom(entry.key)) return false;
  if (entry.main > compactRevision) {
    if (compactRevision > 0) keys.supersede(entry);
    run.add(entry, ALWAYS);
    return true;
  }
  run.end();
  run.add(entry, keys.tagOf(entry));
  run.end();
  return true;
}

interface RecordRun {
  add(entry: Entry, tag: number): void;
  end(): void;
}

/** Records that lie one behind the other are one piece: a call for each would cost more than its CRC. */
function recordRun(pieces: Pieces): RecordRun {
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
interface KeyStates {
  hasRoom(key: number): boolean;
  /** A newer revision of its key: older ones do not count. */
  supersede(entry: Entry): void;
  /** The key of a piece, and whether it was deleted there. */
  tagOf(entry: Entry): number;
  /** Whether that is the newest of its key and no deletion; to be asked from the newest piece to the oldest. */
  counts(tag: number): boolean;
  /** Whether there is any key at all; known once every piece was asked for. */
  someExist(): boolean;
}

function keyStates(keys: KeyNumbers, most: number, room: Room): KeyStates {
  /** the newest revision that was seen, negative for a deletion; 0 where there was none */
  const newest = new Float64Array(most);
  return {
    hasRoom: columnRoom(room, HASH_KEY_BYTES),
    supersede({ key, main, isTombstone }) {
      if (main > Math.abs(newest[key] ?? 0)) newest[key] = isTombstone ? -main : main;
    },
    tagOf: ({ key, isTombstone }) => 2 * key + (isTombstone ? 2 : 1),
    counts(tag) {
      const key = (tag - 1) >>> 1;
      if (newest[key] !== 0) return false;
      const exists = (tag & 1) === 1;
      newest[key] = exists ? 1 : -1;
      return exists;
    },
    someExist: () => newest.subarray(0, keys.count()).some((revision) => revision > 0),
  };
}
