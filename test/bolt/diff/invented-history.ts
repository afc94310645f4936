import type { Entry } from '../../../src/bolt/entries.ts';

/** A revision of a key, as somebody wrote it. */
export interface Write {
  key: string;
  main: number;
  sub: number;
  isTombstone: boolean;
}

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (random: Random, count: number): number => Math.floor(random() * count);

/** Goes on with a history as etcd would: transactions of puts and deletions, a key once in each, none deleted twice. */
export function writeOn(
  history: readonly Write[],
  transactions: number,
  keys: number,
  random: Random,
): Write[] {
  const written = [...history];
  const existing = new Set(stateAt(history, Infinity).keys());
  let main = (history.at(-1)?.main ?? 1) + 1;
  for (let count = 0; count < transactions; count += 1, main += 1) {
    const chosen = new Set(Array.from({ length: 1 + below(random, 3) }, () => `key-${below(random, keys)}`));
    let sub = 0;
    for (const key of chosen) {
      const isTombstone = existing.has(key) && random() < 0.4;
      written.push({ key, main, sub, isTombstone });
      if (isTombstone) existing.delete(key);
      else existing.add(key);
      sub += 1;
    }
  }
  return written;
}

/** The keys that exist as of a revision, with the writes that made them. */
export function stateAt(history: readonly Write[], revision: number): Map<string, Write> {
  const state = new Map<string, Write>();
  for (const write of history) {
    if (write.main > revision) break;
    if (write.isTombstone) state.delete(write.key);
    else state.set(write.key, write);
  }
  return state;
}

/**
 * What a database holds of a history that was compacted to a revision (etcd's mvcc/key_index.go): of each key what came
 * later, and what was newest then, unless it was a deletion. One at that very revision some versions keep.
 * `done`: the share of the compaction that was done; it goes in the order of revisions.
 */
export function compacted(history: readonly Write[], to: number, done: number, random: Random): Write[] {
  const newest = new Map<string, Write>();
  for (const write of history) if (write.main <= to) newest.set(write.key, write);
  const isKept = (write: Write): boolean => {
    if (write.main > to) return true;
    if (newest.get(write.key) !== write) return false;
    return !write.isTombstone || (write.main === to && random() < 0.5);
  };
  const reached = Math.floor(history.filter(({ main }) => main <= to).length * done);
  return history.filter((write, index) => index >= reached || isKept(write));
}

export const shuffled = <T>(list: readonly T[], random: Random): T[] =>
  list
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);

/** As a walk of the database hands it out: the one object again and again, with bytes around the key. */
export function* entriesOf(writes: readonly Write[]): Generator<Entry> {
  const bytes = Buffer.alloc(256, '/');
  const entry = { bytes, keyAt: 0, key: -1, valueLength: 0, recordAt: 0, recordEnd: 0 };
  for (const { key, main, sub, isTombstone } of writes) {
    const keyAt = main % 7;
    const keyLength = bytes.write(key, keyAt);
    yield Object.assign(entry, { main, sub, isTombstone, keyAt, keyLength });
    bytes.fill('/');
  }
}
