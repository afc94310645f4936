import type { Entry } from '../entries.ts';
import { keyTable } from './key-table.ts';
import { namesWithin } from './names.ts';
import { newestRevisions, type Newest } from './newest.ts';
import { roomFor } from './room.ts';

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
  /** A key that was not seen before gets the next number. @throws TooManyKeys */
  numberOf(entry: Entry): number;
  size(): number;
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

/** @param isLeftOut whether the key that begins there is not to be named */
export function seenWithin(maxBytes: number, isLeftOut: (entry: Entry) => boolean): Seen {
  const table = keyTable();
  const past = newestRevisions();
  const since = newestRevisions();
  let flags = new Uint8Array(roomFor(0));
  const names = namesWithin(maxBytes, () => table.bytes() + past.bytes() + since.bytes() + flags.byteLength);
  const is = (key: number, flag: number): boolean => ((flags[key] ?? 0) & flag) !== 0;
  const set = (key: number, flag: number): void => {
    flags[key] = (flags[key] ?? 0) | flag;
  };
  return {
    numberOf({ bytes, keyAt, keyLength }) {
      const key = table.numberOf(bytes, keyAt, keyLength);
      if (key >= flags.length) {
        flags = new Uint8Array(flags.buffer.transfer(roomFor(key + 1)));
        names.check();
      }
      return key;
    },
    size: () => table.size(),
    past,
    since,
    is,
    set,
    name(key, entry) {
      if (is(key, LEFT_OUT) || names.has(key)) return;
      const { bytes, keyAt, keyLength } = entry;
      if (isLeftOut(entry)) set(key, LEFT_OUT);
      else names.add(key, bytes.toString('utf8', keyAt, keyAt + keyLength));
    },
    nameOf: (key) => names.of(key),
  };
}
