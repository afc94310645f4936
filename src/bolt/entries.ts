/**
 * One revision of a key, as etcd's bucket `key` has it. The object is used again for the next one, and its bytes are
 * lent: those of a leaf are one buffer, until its last entry was seen. Neither may be kept.
 */
export interface Entry {
  /** the revision (etcd's mvcc/revision.go): the store's, and the place within one transaction */
  main: number;
  sub: number;
  /** the key was deleted here */
  isTombstone: boolean;
  /** what holds it: the user's key begins at `keyAt`; the value is never handed out, only its length */
  bytes: Buffer;
  keyAt: number;
  keyLength: number;
  /** the user's key by its number, the same each time; -1 where it has none, for which there was no room (`numbered`) */
  key: number;
  valueLength: number;
  /** where the revision's own key and the whole `KeyValue` behind it lie in `bytes`: what HashKV takes in */
  recordAt: number;
  recordEnd: number;
}

/** Looks at every revision of a database, once each. */
export interface EntryVisitor {
  /**
   * The entries of one leaf follow, in the order of their revisions. Leaves come as they lie in the file, in any order:
   * `rank` is the leaf's place in the order of revisions, from 0 on without a gap.
   */
  leaf?(rank: number, entries: number): void;
  entry(entry: Entry): void;
}
