/** What a database file says of itself, once its structure was proved. */
export interface Structure {
  pageSize: number;
  /** of the file, pages that nothing reaches among them */
  pages: number;
  /** of all buckets together, as `etcdutl snapshot status` counts them */
  keys: number;
  /** the newest revision in it */
  revision: number;
  /** below which history is gone; -1 before the first compaction, as HashKV tells it */
  compactRevision: number;
  /** a compaction to this revision was begun and not finished; undefined where none was */
  compactingTo?: number;
  consistentIndex: number;
  /** the leaves of the bucket `key`, by page, in the order of their revisions */
  leaves: Uint32Array;
}
