import type { Finding, FindingCode } from './findings.ts';
import { BUCKET_HEADER_BYTES, LEAF_PAGE, PAGE_HEADER_BYTES, pageHead, pageIdAt, partOf } from './layout.ts';
import { readPage } from './page-reader.ts';
import {
  type BucketElement,
  BUCKET_LEAF,
  newRecords,
  type Records,
  REVISION_LEAF,
  type TextPage,
} from './records.ts';
import { type Tree, walk } from './walk.ts';

/** The buckets of every etcd from 3.4 to 3.7 (server/storage/schema/bucket.go): it dies without some, and errs without others. */
export const ETCD_BUCKETS = [
  'alarm',
  'auth',
  'authRoles',
  'authUsers',
  'cluster',
  'key',
  'lease',
  'members',
  'members_removed',
  'meta',
] as const;

/** What a bucket holds. */
export interface Bucket {
  /** elements of all its leaves */
  keys: number;
  /** those of its leaves whose keys are revisions, by page and in order */
  leaves: Uint32Array;
  /** the newest of them; 0 where there is none */
  lastRevision: number;
  /** what was wanted of the others */
  values: ReadonlyMap<string, Buffer>;
  /** the page of a bucket that lies within its parent's, with its head */
  inline?: Buffer;
}

type Found<T> = { ok: true; value: T } | { ok: false; finding: Finding };

const wrong = (finding: Finding): { ok: false; finding: Finding } => ({ ok: false, finding });

/** The buckets that the root leads to, in order. */
export function readRoot(tree: Tree, root: number): Found<BucketElement[]> {
  const buckets: BucketElement[] = [];
  let odd: number | undefined;
  const finding = walk(tree, root, (page, text) => {
    if (tree.records.kinds[page] === BUCKET_LEAF) buckets.push(...(text?.buckets ?? []));
    else odd ??= page;
  });
  if (finding !== undefined) return wrong(finding);
  return odd === undefined ? { ok: true, value: buckets } : wrong({ page: odd, code: 'element-kind' });
}

/** Goes through one of them. Its elements are no buckets themselves, and those of `key` are revisions. */
export function readBucket(tree: Tree, { name, value }: BucketElement, littleEndian: boolean): Found<Bucket> {
  const bucket = name.toString();
  if (value.length < BUCKET_HEADER_BYTES) return wrong({ bucket, code: 'bucket' });
  const root = pageIdAt(partOf(value, 0).view, 0, littleEndian);
  if (root !== 0) return readLeaves(tree, bucket, root);
  const inline = value.subarray(BUCKET_HEADER_BYTES);
  const records = readInline(inline, littleEndian);
  if (records === undefined) return wrong({ bucket, code: 'bucket' });
  const within: Tree = {
    first: 0,
    pages: 1,
    records,
    free: new Uint8Array(1),
    reached: new Uint8Array(1),
  };
  const read = readLeaves(within, bucket, 0);
  return read.ok
    ? { ok: true, value: { ...read.value, leaves: new Uint32Array(0), inline } }
    : wrong({ bucket, code: read.finding.code });
}

/** Of a bucket within its parent's page: at most a quarter of that. */
const MOST_INLINE_BYTES = 2 ** 18;

/** The one page of an inline bucket, which has the number 0. Undefined where there is none. */
function readInline(bytes: Buffer, littleEndian: boolean): Records | undefined {
  const part = partOf(bytes, 0);
  if (bytes.length < PAGE_HEADER_BYTES) return undefined;
  const head = pageHead(part, 0, 0, littleEndian);
  const records = newRecords(1, MOST_INLINE_BYTES);
  if (head?.flags !== LEAF_PAGE || head.overflow !== 0 || records === undefined) return undefined;
  const end = bytes.length;
  const read = readPage(records, part, { head, start: 0, firstEnd: end, end, littleEndian });
  return read === undefined ? records : undefined;
}

function readLeaves(tree: Tree, bucket: string, root: number): Found<Bucket> {
  const { kinds, counts, lastMains } = tree.records;
  const isKeySpace = bucket === 'key';
  const leaves = new Uint32Array(isKeySpace ? tree.pages : 0);
  const found: Bucket & { values: Map<string, Buffer> } = {
    keys: 0,
    leaves,
    lastRevision: 0,
    values: new Map(),
  };
  let count = 0;
  let odd: Finding | undefined;
  const finding = walk(tree, root, (page, text) => {
    const kind = kinds[page];
    found.keys += counts[page] ?? 0;
    const code = unreadable(bucket, kind, text);
    if (code !== undefined) odd ??= { page, code };
    else if (!isKeySpace) for (const [name, value] of text?.values ?? []) found.values.set(name, value);
    else {
      leaves[count] = page;
      count += 1;
      found.lastRevision = lastMains[page] ?? 0;
    }
  });
  const problem = finding ?? odd;
  if (problem !== undefined) return wrong({ bucket, ...problem });
  return { ok: true, value: { ...found, leaves: leaves.slice(0, count) } };
}

/** What is in a leaf that etcd would die of when it reads the bucket. */
function unreadable(bucket: string, kind: number | undefined, text?: TextPage): FindingCode | undefined {
  if (kind === BUCKET_LEAF) return 'element-kind';
  if (bucket === 'key' && kind !== REVISION_LEAF) return 'no-revision';
  if (bucket === 'lease' && text?.areLeases !== true) return 'no-lease';
  if (bucket === 'alarm' && text?.areAlarms !== true) return 'no-alarm';
  return undefined;
}
