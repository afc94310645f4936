import type { Entry, EntryVisitor } from '../entries.ts';
import type { KeyNumbers } from './key-numbers.ts';

/** Shows every entry to all of them, with the number of its key: each would else look the same key up. */
export function numbered(keys: KeyNumbers, visitors: readonly EntryVisitor[]): EntryVisitor {
  const numberOf = ({ bytes, keyAt, keyLength }: Entry): number => keys.of(bytes, keyAt, keyLength);
  return {
    leaf(rank, entries) {
      for (const visitor of visitors) visitor.leaf?.(rank, entries);
    },
    entry(entry) {
      entry.key = numberOf(entry);
      for (const visitor of visitors) {
        // One that came before may have given up for that, and left its room to those behind.
        if (entry.key < 0) entry.key = numberOf(entry);
        visitor.entry(entry);
      }
    },
  };
}
