import type { Entry } from '../entries.ts';
import { roomFor } from './room.ts';

/** Of each key, by its number, the newest revision of those that were handed in. */
export interface Newest {
  take(key: number, entry: Entry): void;
  /** 0 where the key has none: no revision is 0 */
  mainOf(key: number): number;
  isTombstone(key: number): boolean;
  /** Below 0 where the entry is older than the newest, 0 where it is the very one, else above 0. */
  compare(entry: Entry, key: number): number;
  /** what it takes up in memory */
  bytes(): number;
}

export function newestRevisions(): Newest {
  let mains = new Float64Array(roomFor(0));
  /** the place within the transaction, and in the lowest bit whether the key was deleted there */
  let rests = new Uint32Array(roomFor(0));

  function grow(count: number): void {
    mains = new Float64Array(mains.buffer.transfer(8 * roomFor(count)));
    rests = new Uint32Array(rests.buffer.transfer(4 * roomFor(count)));
  }

  const compare = ({ main, sub, isTombstone }: Entry, key: number): number =>
    main - (mains[key] ?? 0) || restOf(sub, isTombstone) - (rests[key] ?? 0);

  return {
    take(key, entry) {
      if (key >= mains.length) grow(key + 1);
      if (compare(entry, key) <= 0) return;
      mains[key] = entry.main;
      rests[key] = restOf(entry.sub, entry.isTombstone);
    },
    mainOf: (key) => mains[key] ?? 0,
    isTombstone: (key) => ((rests[key] ?? 0) & 1) === 1,
    compare,
    bytes: () => mains.byteLength + rests.byteLength,
  };
}

const restOf = (sub: number, isTombstone: boolean): number => (2 * sub + (isTombstone ? 1 : 0)) >>> 0;
