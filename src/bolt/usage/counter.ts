import { randomInt } from 'node:crypto';
import type { Entry, EntryVisitor } from '../entries.ts';
import { isOwnLock } from '../key-text.ts';
import { Candidates, candidatesBytes } from './candidates.ts';
import { fingerprinting, type Seed } from './fingerprint.ts';
import { Groups, GROUPS_BYTES } from './groups.ts';
import { TOMBSTONE } from './records.ts';
import { roomOf, type Room } from './room.ts';
import { KeyTable } from './table.ts';
import { usageOf, type Counted } from './tell.ts';
import { NAMED_USAGE, type Usage } from './types.ts';

export interface UsageCounterOptions {
  /** as of which it is told: what is newer is left out */
  revision: number;
  /** where Kubernetes keeps its objects, with a slash at the end */
  objectPrefix?: string;
  /** random, unless a test has to know it */
  seed?: Seed;
  /** what it may take of memory: about 5 MiB, and 41 bytes a key at the most */
  maxBytes: number;
}

export interface UsageCounter extends EntryVisitor {
  /**
   * What was counted; so many of each list are named. Undefined where it would have taken more memory than it might:
   * then it was not counted.
   */
  usage(named?: number): Usage | undefined;
  /** The memory that it has taken, in bytes. */
  takenBytes(): number;
}

/** Marks of a record, beside its group. */
const IS_LARGE = 2 ** 28;
const IS_REVISED = 2 ** 29;
/** Sizes fall, too: there the more are remembered, the smaller is what might be missed. */
const MOST_LARGE = 2 ** 14;
const MOST_REVISED = 2 ** 11;
const FIXED_BYTES = candidatesBytes(MOST_LARGE) + candidatesBytes(MOST_REVISED) + GROUPS_BYTES;
const SEEDS = 2 ** 32;

/**
 * Counts what fills a database while its revisions pass by, in any order: which revision of a key is the newest is known
 * only at the end.
 */
export function usageCounter({
  revision,
  objectPrefix = '/registry/',
  seed = [randomInt(SEEDS), randomInt(SEEDS)],
  maxBytes,
}: UsageCounterOptions): UsageCounter {
  const room = roomOf(maxBytes);
  const fingerprint = fingerprinting(seed);
  let counting = room.take(FIXED_BYTES)
    ? begin(room, new Groups(objectPrefix, fingerprinting(seed), room))
    : undefined;

  function entry({ main, sub, isTombstone, bytes, keyAt, keyLength, valueLength }: Entry): void {
    if (counting === undefined || main > revision || keyLength === 0) return;
    const end = keyAt + keyLength;
    if (isOwnLock(bytes, keyAt, end)) return;
    const { table, records, groups, largest, mostRevised } = counting;
    const print = fingerprint(bytes, keyAt, end);
    let key = table.find(print);
    if (key < 0) key = table.add(print, groups.of(bytes, keyAt, end));
    if (key < 0) {
      counting = undefined;
      return;
    }
    const isNewest = records.see(key, main, sub, isTombstone ? TOMBSTONE : valueLength);
    if (!isTombstone) {
      groups.add(records.group(key), valueLength);
      if (isNewest) largest.offer(key, valueLength, bytes, keyAt, end);
    }
    mostRevised.offer(key, records.revisions(key), bytes, keyAt, end);
  }

  return {
    entry,
    usage: (named = NAMED_USAGE) => counting && usageOf(counting, named),
    takenBytes: () => room.taken(),
  };
}

interface Counting extends Counted {
  table: KeyTable;
}

function begin(room: Room, groups: Groups): Counting {
  const table = new KeyTable(room);
  const { records } = table;
  const length = (key: number): number => records.length(key);
  const revisions = (key: number): number => records.revisions(key);
  return {
    table,
    records,
    groups,
    largest: new Candidates({ records, most: MOST_LARGE, mark: IS_LARGE, least: -1, scoreOf: length }),
    mostRevised: new Candidates({
      records,
      most: MOST_REVISED,
      mark: IS_REVISED,
      least: 0,
      scoreOf: revisions,
    }),
  };
}
