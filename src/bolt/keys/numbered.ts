import type { EntryVisitor } from '../entries.ts';
import type { KeyNumbers } from './key-numbers.ts';

/** Shows every entry to all of them, with the number of its key: each would else look the same key up. */
export function numbered(keys: KeyNumbers, visitors: readonly EntryVisitor[]): EntryVisitor {
  return {
    leaf(rank, entries) {
      for (const visitor of visitors) visitor.leaf?.(rank, entries);
    },
    entry(entry) {
      entry.key = keys.of(entry.bytes, entry.keyAt, entry.keyLength);
      for (const visitor of visitors) visitor.entry(entry);
    },
  };
}
