import type { Entry, EntryVisitor } from '../entries.ts';
import { numbered } from '../keys/numbered.ts';
import { BY_OLDER, IN_OLDER, MET, type Seen, seenWithin } from './seen.ts';
import { changesIn, type Compacted, type Difference, partedAt } from './verdict.ts';

export interface ComparisonOptions {
  /** What each is compared up to: what was written later is in it only in part. */
  revisions: { older: number; newer: number };
  /** Whether the key is only to be counted. */
  isLeftOut: (entry: Entry) => boolean;
  /** Whether the key does not count at all. */
  isIgnored: (entry: Entry) => boolean;
  maxBytes?: number;
}

/**
 * Compares two databases of one cluster by the revisions of their keys, each in one pass over its entries. What is held of
 * a database meanwhile, in bytes, is a part of what may be taken up.
 */
export interface Comparison {
  /** Looks at the entries of the newer one, which come first. @throws TooManyKeys */
  newer(heldBytes: number): EntryVisitor;
  /** @throws TooManyKeys */
  older(heldBytes: number): EntryVisitor;
  /** To be asked for when both have passed. */
  difference(compacted: Compacted): Difference;
}

/** No more than the proof of a backup may take up. */
const MAX_BYTES = 128 * 2 ** 20;

/**
 * The newer database tells of each key what is newest in it, as of the older backup and since then; so only what was
 * written since then needs a name. The older one is then held against that: what the newer one does not know of any more
 * was deleted, and what it knows differently was never its past.
 */
export function comparison(options: ComparisonOptions): Comparison {
  const { revisions, isLeftOut, isIgnored, maxBytes = MAX_BYTES } = options;
  const seen = seenWithin(maxBytes, isLeftOut);
  let parted = Infinity;
  function visitor(heldBytes: number, revision: number, visit: (entry: Entry) => void): EntryVisitor {
    seen.hold(heldBytes);
    const entry = (one: Entry): void => {
      seen.check(one.key);
      if (one.main <= revision && !isIgnored(one)) visit(one);
    };
    return numbered(seen.keys, [{ entry }]);
  }
  return {
    newer: (heldBytes) =>
      visitor(heldBytes, revisions.newer, (entry) => visitNewer(seen, revisions.older, entry)),
    older: (heldBytes) =>
      visitor(heldBytes, revisions.older, (entry) => {
        parted = Math.min(parted, visitOlder(seen, entry));
      }),
    difference(compacted) {
      const revision = Math.min(parted, partedAt(seen, revisions.older, compacted));
      return revision < Infinity ? { kind: 'other-history', revision } : changesIn(seen);
    },
  };
}

function visitNewer(seen: Seen, older: number, entry: Entry): void {
  const { key } = entry;
  if (entry.main <= older) {
    seen.past.take(key, entry);
    return;
  }
  seen.since.take(key, entry);
  seen.name(key, entry);
}

/** @returns the entry's revision where the newer database should have it too; else Infinity */
function visitOlder(seen: Seen, entry: Entry): number {
  const { past } = seen;
  const { key } = entry;
  if (past.mainOf(key) === 0) seen.set(key, BY_OLDER);
  seen.set(key, IN_OLDER);
  if (seen.is(key, BY_OLDER)) {
    past.take(key, entry);
    // It may exist here, and its tombstone there be compacted away.
    seen.name(key, entry);
    return Infinity;
  }
  const order = past.compare(entry, key);
  if (order >= 0) seen.set(key, MET);
  // It has an earlier revision of the key, and what is compacted away goes in their order.
  return order > 0 ? entry.main : Infinity;
}
