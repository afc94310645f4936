import type { Entry } from '../entries.ts';

/** Of each key, by its number, the newest revision of those that were handed in. */
export interface Newest {
  take(key: number, entry: Entry): void;
  /** 0 where the key has none: no revision is 0 */
  mainOf(key: number): number;
  isTombstone(key: number): boolean;
  /** Below 0 where the entry is older than the newest, 0 where it is the very one, else above 0. */
  compare(entry: Entry, key: number): number;
}

/** What one key takes. */
export const NEWEST_BYTES = 12;

/** At most so many keys: the system gives memory only to what is written to. */
export function newestRevisions(most: number): Newest {
  const mains = new Float64Array(most);
  /** the place within the transaction, and in the lowest bit whether the key was deleted there */
  const rests = new Uint32Array(most);
  const compare = ({ main, sub, isTombstone }: Entry, key: number): number =>
    main - (mains[key] ?? 0) || restOf(sub, isTombstone) - (rests[key] ?? 0);
  return {
    take(key, entry) {
      if (compare(entry, key) <= 0) return;
      mains[key] = entry.main;
      rests[key] = restOf(entry.sub, entry.isTombstone);
    },
    mainOf: (key) => mains[key] ?? 0,
    isTombstone: (key) => ((rests[key] ?? 0) & 1) === 1,
    compare,
  };
}

const restOf = (sub: number, isTombstone: boolean): number => (2 * sub + (isTombstone ? 1 : 0)) >>> 0;
