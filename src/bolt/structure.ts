import { type Bucket, ETCD_BUCKETS, readBucket, readRoot } from './file/buckets.ts';
import type { Finding } from './file/findings.ts';
import type { FreePages } from './file/freelist.ts';
import { type Head, headReader } from './file/meta.ts';
import { type Pages, readPages } from './file/pages.ts';
import { FREELIST, newRecords, type Records } from './file/records.ts';
import { newRevisionKey, readRevisionKey } from './file/revision-key.ts';
import { claim, lostPage, type Tree } from './file/walk.ts';

/**
 * Where to begin in this room. A database is read twice as it streams by, never in a file to seek in:
 *
 * 1. here its structure, by what is in `file/`: `meta.ts` reads the first two pages, `pages.ts` every other into
 *    `records.ts`, whether it is in use or not; at the end `walk.ts` goes through the tree, and `buckets.ts` through etcd's
 *    own buckets in it.
 * 2. in `leaves.ts` its revisions, once it is known which pages hold them. Each is shown as one of `entries.ts`, its key
 *    numbered by `keys/`, to who wants to know: `usage/` what fills it, `diff/` what changed, `hash/` etcd's HashKV.
 */

/** What a database file says of itself, once its structure was proved. */
export interface Structure {
  head: Head;
  /** of all buckets together, as `etcdutl snapshot status` of etcd 3.5 counts them */
  keys: number;
  /** the newest revision in it */
  revision: number;
  /** below which history is gone; -1 before the first compaction, as HashKV tells it */
  compactRevision: number;
  /** a compaction to this revision was begun and not finished; undefined where none was */
  compactingTo?: number;
  /** of the raft log, as far as it is in the file; 0 where none is noted */
  consistentIndex: number;
  /** the leaves of the bucket `key`, by page, in the order of their revisions */
  leaves: Uint32Array;
  /** the only leaf of `key` where it is so small that it lies within the root */
  inlineLeaf?: Buffer;
}

/** Below which history is gone, or may be by now: of the compaction that is under way, where one is. */
export const compactedTo = ({ compactRevision, compactingTo = compactRevision }: Structure): number =>
  compactingTo;

/** What was found. `not-checked`: it would take more memory than it may, which is no fault of the file's. */
export type Judgement =
  | { kind: 'sound'; structure: Structure }
  | { kind: 'damaged'; finding: Finding }
  | { kind: 'not-checked' };

/** Reads a database as it streams by. */
export interface StructureReader {
  /** Takes the next bytes of the file. @throws NotADatabase as soon as that is certain */
  take(bytes: Buffer): void;
  /** How long the file is by its own word, in bytes; undefined before its first two pages came. */
  databaseBytes(): number | undefined;
  /** To be asked for when the whole file has come. What has not come counts as damaged. */
  judge(): Judgement;
}

/** So much memory may be used for what is kept of a file until it is judged, and then for what is kept of its keys. */
export const MAX_STRUCTURE_BYTES = 128 * 2 ** 20;

/** What is kept while the file comes. */
interface Kept {
  records: Records;
  free: FreePages;
  pages: Pages;
}

export function structureReader(maxBytes = MAX_STRUCTURE_BYTES): StructureReader {
  const heads = headReader();
  let kept: Kept | undefined;
  let isTooMuch = false;
  let position = 0;

  function begin(head: Head): Kept | undefined {
    const bits = Math.ceil(head.pages / 8);
    const records = newRecords(head.pages, maxBytes - 2 * bits);
    if (records === undefined) return undefined;
    const free = new Uint8Array(head.freelist === undefined ? 0 : bits);
    return { records, free, pages: readPages(head, records, free) };
  }

  return {
    take(bytes) {
      heads.take(bytes);
      const head = heads.head();
      if (head !== undefined && !isTooMuch) {
        kept ??= begin(head);
        isTooMuch = kept === undefined || kept.pages.take(bytes, position) === 'too-much';
        if (isTooMuch) kept = undefined; // its memory is what there was too little of
      }
      position += bytes.length;
    },
    databaseBytes: () => heads.databaseBytes(),
    judge() {
      const head = heads.head();
      if (head === undefined || position < head.pages * head.pageSize)
        return damaged({ page: Math.floor(position / (head?.pageSize ?? position + 1)), code: 'missing' });
      if (kept === undefined) return { kind: 'not-checked' };
      const { records, free } = kept;
      kept = undefined;
      return judge(head, records, free);
    },
  };
}

const damaged = (finding: Finding): Judgement => ({ kind: 'damaged', finding });

function judge(head: Head, records: Records, free: FreePages): Judgement {
  const { pages, freelist, root, littleEndian } = head;
  const tree: Tree = { first: 2, pages, records, free, reached: new Uint8Array(Math.ceil(pages / 8)) };
  if (freelist !== undefined) {
    const isList = records.kinds[freelist] === FREELIST && records.findings[freelist] === 0;
    if (!isList) return damaged({ page: freelist, code: 'freelist' });
    const code = claim(tree, freelist);
    if (code !== undefined) return damaged({ page: freelist, code });
  }
  const elements = readRoot(tree, root);
  if (!elements.ok) return damaged(elements.finding);
  const buckets = new Map<string, Bucket>();
  for (const element of elements.value) {
    const bucket = readBucket(tree, element, littleEndian);
    if (!bucket.ok) return damaged(bucket.finding);
    buckets.set(element.name.toString(), bucket.value);
  }
  const lost = freelist === undefined ? undefined : lostPage(tree);
  if (lost !== undefined) return damaged({ page: lost, code: 'lost' });
  return judgeBuckets(head, buckets);
}

function judgeBuckets(head: Head, buckets: ReadonlyMap<string, Bucket>): Judgement {
  const missing = ETCD_BUCKETS.find((name) => !buckets.has(name));
  const keySpace = buckets.get('key');
  const meta = buckets.get('meta');
  if (missing !== undefined || keySpace === undefined || meta === undefined)
    return damaged({ bucket: missing ?? 'key', code: 'no-bucket' });
  const consistentIndex = meta.values.get('consistent_index');
  // etcd before 3.5 writes none before the first key.
  if (consistentIndex === undefined ? keySpace.keys > 0 : consistentIndex.length !== 8)
    return damaged({ bucket: 'meta', code: 'no-consistent-index' });
  const term = meta.values.get('term'); // etcd before 3.5 writes none
  if (term !== undefined && term.length !== 8) return damaged({ bucket: 'meta', code: 'no-term' });
  const finished = revisionIn(meta.values.get('finishedCompactRev'));
  const scheduled = revisionIn(meta.values.get('scheduledCompactRev'));
  if (Number.isNaN(finished + scheduled)) return damaged({ bucket: 'meta', code: 'no-compact-revision' });
  return {
    kind: 'sound',
    structure: {
      head,
      keys: [...buckets.values()].reduce((sum, { keys }) => sum + keys, 0),
      revision: Math.max(1, keySpace.lastRevision, finished, scheduled),
      compactRevision: finished,
      ...(scheduled > finished && { compactingTo: scheduled }),
      consistentIndex: Number(consistentIndex?.readBigUInt64BE() ?? 0),
      leaves: keySpace.leaves,
      ...(keySpace.inline !== undefined && keySpace.keys > 0 && { inlineLeaf: keySpace.inline }),
    },
  };
}

const NEVER = -1;

/** Of a compaction; NaN where it cannot be read. */
function revisionIn(value: Buffer | undefined): number {
  if (value === undefined) return NEVER;
  const found = newRevisionKey();
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return readRevisionKey(view, 0, value.length, found) ? found.main : Number.NaN;
}
