import { BY_OLDER, IN_OLDER, LEFT_OUT, MET, type Seen } from './seen.ts';

/** What became of a key. One that was deleted and made again was changed. */
export type Change = 'created' | 'changed' | 'deleted';
export const CHANGES: readonly Change[] = ['created', 'changed', 'deleted'];

export type Difference =
  | {
      kind: 'one-history';
      /** by name, in order */
      keys: Record<Change, string[]>;
      leftOut: Record<Change, number>;
    }
  /** The two do not hold the same writes; this is the first revision of which that is certain. */
  | { kind: 'other-history'; revision: number };

/** Up to which revision the history may be gone, in each of the two. */
export type Compacted = Record<'older' | 'newer', number>;

/** What became of the keys that were not left out, and how many were. */
export function changesIn(seen: Seen): Difference {
  const keys: Record<Change, string[]> = { created: [], changed: [], deleted: [] };
  const leftOut: Record<Change, number> = { created: 0, changed: 0, deleted: 0 };
  for (let key = 0; key < seen.keys.count(); key += 1) {
    const change = changeOf(seen, key);
    if (change === undefined) continue;
    if (seen.is(key, LEFT_OUT)) leftOut[change] += 1;
    else keys[change].push(seen.nameOf(key));
  }
  for (const change of CHANGES) keys[change].sort();
  return { kind: 'one-history', keys, leftOut };
}

function changeOf(seen: Seen, key: number): Change | undefined {
  const { past, since } = seen;
  const isTouched = since.mainOf(key) > 0;
  if (!isTouched && !seen.is(key, BY_OLDER)) return undefined;
  const existed = past.mainOf(key) > 0 && !past.isTombstone(key);
  const exists = isTouched && !since.isTombstone(key);
  if (existed) return exists ? 'changed' : 'deleted';
  return exists ? 'created' : undefined;
}

/** The first revision as of the older backup that one of the two lacks, though it should hold it; Infinity: there is none. */
export function partedAt(seen: Seen, revision: number, compacted: Compacted): number {
  let parted = Infinity;
  for (let key = 0; key < seen.keys.count(); key += 1)
    if (isParted(seen, key, revision, compacted)) parted = Math.min(parted, seen.past.mainOf(key));
  return parted;
}

/**
 * A key's newest revision as of then is compacted away only when there is a later one, or when it is a tombstone: else it
 * is in both.
 */
function isParted(seen: Seen, key: number, revision: number, { older, newer }: Compacted): boolean {
  const { past } = seen;
  const main = past.mainOf(key);
  if (main === 0 || seen.is(key, MET)) return false;
  if (seen.is(key, BY_OLDER)) return past.isTombstone(key) ? newer < main : newer <= revision;
  return seen.is(key, IN_OLDER) || !past.isTombstone(key) || older < main;
}
