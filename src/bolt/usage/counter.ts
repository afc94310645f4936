import type { Entry, EntryVisitor } from '../entries.ts';
import type { KeyNumbers } from '../keys/key-numbers.ts';
import { isNobodys } from '../keys/nobodys.ts';
import { columnRoom, type Room, shareOf } from '../keys/room.ts';
import { compactedTo, type Structure } from '../structure.ts';
import { candidates } from './candidates.ts';
import { groupOf, lengthOf, newColumns, revisionsOf, see, TOMBSTONE, USAGE_KEY_BYTES } from './columns.ts';
import { groupsBelow, GROUPS_BYTES } from './groups.ts';
import { keptNamesBytes } from './kept-names.ts';
import { usageOf, type Counted } from './tell.ts';
import { NAMED_USAGE, type Usage } from './types.ts';

/**
 * As of which revision a backup is counted: its own, but where a compaction passed that while it was taken. What existed
 * then is gone in part; what there was at the compaction is whole.
 */
export const countedAt = (structure: Structure, revision: number): number =>
  Math.max(revision, compactedTo(structure));

export interface UsageCounterOptions {
  /** as of which it is told: what is newer is left out */
  revision: number;
  /** where Kubernetes keeps its objects, with a slash at the end */
  objectPrefix?: string;
  /** those that the entries come with */
  keys: KeyNumbers;
  /** of which it takes about 5 MiB, and 24 bytes a key beside its number */
  room: Room;
}

export interface UsageCounter extends EntryVisitor {
  /**
   * What was counted; so many of each list are named. Undefined where it would have taken more memory than it might:
   * then it was not counted.
   */
  usage(named?: number): Usage | undefined;
}

/** Marks beside a key's group. */
const IS_LARGE = 2 ** 28;
const IS_REVISED = 2 ** 29;
/** Sizes fall, too: there the more are remembered, the smaller is what might be missed. */
const MOST_LARGE = 2 ** 14;
const MOST_REVISED = 2 ** 11;
const FIXED_BYTES = keptNamesBytes(MOST_LARGE) + keptNamesBytes(MOST_REVISED) + GROUPS_BYTES;

/**
 * Counts what fills a database while its revisions pass by, in any order: which revision of a key is the newest is known
 * only at the end.
 */
export function usageCounter(options: UsageCounterOptions): UsageCounter {
  const { revision } = options;
  const room = shareOf(options.room);
  let counting = room.take(FIXED_BYTES) ? begin(options, room) : undefined;
  return {
    entry(entry) {
      if (counting === undefined || entry.main > revision || isNobodys(entry)) return;
      if (counting.hasRoom(entry.key)) {
        count(counting, entry);
        return;
      }
      // What it has taken is left to the others.
      counting = undefined;
      room.giveAll();
    },
    usage: (named = NAMED_USAGE) => counting && usageOf(counting, named),
  };
}

interface Counting extends Counted {
  hasRoom: (key: number) => boolean;
}

function begin({ objectPrefix = '/registry/', keys }: UsageCounterOptions, room: Room): Counting {
  const columns = newColumns(keys.most);
  return {
    hasRoom: columnRoom(room, USAGE_KEY_BYTES),
    keys,
    columns,
    groups: groupsBelow(objectPrefix, room),
    largest: candidates({ columns, most: MOST_LARGE, mark: IS_LARGE, least: -1, scoreOf: lengthOf }),
    mostRevised: candidates({
      columns,
      most: MOST_REVISED,
      mark: IS_REVISED,
      least: 0,
      scoreOf: revisionsOf,
    }),
  };
}

function count({ columns, groups, largest, mostRevised }: Counting, entry: Entry): void {
  const { main, sub, isTombstone, bytes, keyAt, keyLength, key, valueLength } = entry;
  const end = keyAt + keyLength;
  if (revisionsOf(columns, key) === 0) columns.groups[key] = groups.of(bytes, keyAt, end);
  const isNewest = see(columns, key, main, sub, isTombstone ? TOMBSTONE : valueLength);
  if (!isTombstone) {
    groups.add(groupOf(columns, key), valueLength);
    if (isNewest) largest.offer(key, valueLength, bytes, keyAt, end);
  }
  mostRevised.offer(key, revisionsOf(columns, key), bytes, keyAt, end);
}
