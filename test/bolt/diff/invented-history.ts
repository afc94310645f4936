import type { Entry } from '../../../src/bolt/entries.ts';
import type { Random } from '../../support/random.ts';

/** A revision of a key, as somebody wrote it. */
export interface Write {
  key: string;
  main: number;
  sub: number;
  isTombstone: boolean;
}

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
    const chosen = new Set(Array.from({ length: 1 + random.below(3) }, () => `key-${random.below(keys)}`));
    let sub = 0;
    for (const key of chosen) {
      const isTombstone = existing.has(key) && random.next() < 0.4;
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
    return !write.isTombstone || (write.main === to && random.next() < 0.5);
  };
  const reached = Math.floor(history.filter(({ main }) => main <= to).length * done);
  return history.filter((write, index) => index >= reached || isKept(write));
}

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
