import type { Entry } from '../entries.ts';
import { type KeyNumbers, keyNumbers } from '../keys/key-numbers.ts';
import { keyText } from '../keys/key-text.ts';
import { columnRoom, roomOf } from '../keys/room.ts';
import { NEWEST_BYTES, newestRevisions, type Newest } from './newest.ts';

/** What was compared has more keys, or more of them changed, than there may be memory for. */
export class TooManyKeys extends Error {}

/** The older database has a revision of the key. */
export const IN_OLDER = 1;
/** What it has was held against the newest one that the newer database has as of then: it is the same, or was told. */
export const MET = 2;
/** The newer database has none as of then: what is known of that moment is the older one's word. */
export const BY_OLDER = 4;
/** The key is to be counted, and not named. */
export const LEFT_OUT = 8;

/** What two databases say of each key. Keys are known by their numbers. */
export interface Seen {
  keys: KeyNumbers;
  /** So much is held beside it from now on. @throws TooManyKeys */
  hold(bytes: number): void;
  /** To be called first with every key. @throws TooManyKeys where it has no number, or no room in the columns */
  check(key: number): void;
  /** the newest revisions as of the older backup */
  past: Newest;
  /** those since then */
  since: Newest;
  is(key: number, flag: number): boolean;
  set(key: number, flag: number): void;
  /** Keeps the key's name, or sees that it is to be left out. @throws TooManyKeys */
  name(key: number, entry: Entry): void;
  /** Empty where it was not kept. */
  nameOf(key: number): string;
}

/** What one key takes beside its number: both of its revisions and its flags. */
const KEY_BYTES = 2 * NEWEST_BYTES + 1;
/** What a name takes beside its characters, as a string and in a map. */
const NAME_BYTES = 64;

/** @param isLeftOut whether the key that begins there is not to be named */
export function seenWithin(maxBytes: number, isLeftOut: (entry: Entry) => boolean): Seen {
  const room = roomOf(maxBytes);
  const keys = keyNumbers(room, Infinity, KEY_BYTES);
  const hasRoom = columnRoom(room, KEY_BYTES);
  const flags = new Uint8Array(keys.most);
  const names = new Map<number, string>();
  let held = 0;
  const is = (key: number, flag: number): boolean => ((flags[key] ?? 0) & flag) !== 0;
  const set = (key: number, flag: number): void => {
    flags[key] = (flags[key] ?? 0) | flag;
  };
  const take = (bytes: number): void => {
    if (!room.take(bytes)) throw new TooManyKeys();
  };
  return {
    keys,
    hold(bytes) {
      take(bytes - held);
      held = bytes;
    },
    check(key) {
      if (!hasRoom(key)) throw new TooManyKeys();
    },
    past: newestRevisions(keys.most),
    since: newestRevisions(keys.most),
    is,
    set,
    name(key, entry) {
      if (is(key, LEFT_OUT) || names.has(key)) return;
      if (isLeftOut(entry)) {
        set(key, LEFT_OUT);
        return;
      }
      const { bytes, keyAt, keyLength } = entry;
      const name = keyText(bytes.subarray(keyAt, keyAt + keyLength));
      take(name.length + NAME_BYTES);
      names.set(key, name);
    },
    nameOf: (key) => names.get(key) ?? '',
  };
}
