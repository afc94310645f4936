import { type FindingCode, FINDING_CODES } from './findings.ts';
import type { RevisionKey } from './revision-key.ts';

/**
 * What is kept of each page until the tree can be judged: which pages it reaches is known at the end only, so every page
 * that says of itself to be one is kept. In typed arrays, for there are millions of them.
 */

export const NO_PAGE = 0;
/** Its keys are revisions, as those of the bucket `key` are. */
export const REVISION_LEAF = 1;
export const REVISION_BRANCH = 2;
/** Any other keys. */
export const TEXT_LEAF = 3;
export const TEXT_BRANCH = 4;
/** Its values are buckets. */
export const BUCKET_LEAF = 5;
export const EMPTY_LEAF = 6;
export const FREELIST = 7;
/** A branch that cannot be read. */
export const BROKEN = 8;

/** A bucket as its parent has it. */
export interface BucketElement {
  name: Buffer;
  value: Buffer;
}

/** A page whose keys are no revisions: there are few of them. */
export interface TextPage {
  /** of a branch all of them, of a leaf the first and the last */
  keys: Buffer[];
  children: number[];
  buckets: BucketElement[];
  /** the values that are wanted of etcd's bucket `meta`, by key */
  values: Map<string, Buffer>;
  /** of a leaf, whether etcd could read each of its values as a lease, and each of its keys as an alarm */
  areLeases: boolean;
  areAlarms: boolean;
}

/** bytes: kind 1, finding 1, count 2, overflow 4, place 4, two revisions of 12 each */
const BYTES_PER_PAGE = 36;
/** Elements of branches in one piece: more than one branch can have. */
const CHUNK = 2 ** 16;
const BYTES_PER_CHUNK = CHUNK * 16;

/** The elements of branches, in pieces, so that nothing is copied to grow. */
interface Chunk {
  children: Uint32Array;
  mains: Float64Array;
  places: Uint32Array;
}

export interface Records {
  kinds: Uint8Array;
  /** what is wrong within the page: one more than its place in `FINDING_CODES`; 0: nothing */
  findings: Uint8Array;
  counts: Uint16Array;
  overflows: Uint32Array;
  /** where the elements of a branch are: see `elementOf` */
  refs: Uint32Array;
  firstMains: Float64Array;
  firstPlaces: Uint32Array;
  lastMains: Float64Array;
  lastPlaces: Uint32Array;
  chunks: Chunk[];
  /** elements in the last of them */
  used: number;
  texts: Map<number, TextPage>;
  /** Takes bytes of what may be used; false where there are not so many left. */
  spend(bytes: number): boolean;
}

/** Undefined where so many pages would need more than that. */
export function newRecords(pages: number, maxBytes: number): Records | undefined {
  let left = maxBytes - pages * BYTES_PER_PAGE;
  if (left < 0) return undefined;
  return {
    kinds: new Uint8Array(pages),
    findings: new Uint8Array(pages),
    counts: new Uint16Array(pages),
    overflows: new Uint32Array(pages),
    refs: new Uint32Array(pages),
    firstMains: new Float64Array(pages),
    firstPlaces: new Uint32Array(pages),
    lastMains: new Float64Array(pages),
    lastPlaces: new Uint32Array(pages),
    chunks: [],
    used: CHUNK,
    texts: new Map(),
    spend(bytes) {
      left -= bytes;
      return left >= 0;
    },
  };
}

export function noteFinding(records: Records, page: number, code: FindingCode): void {
  if (records.findings[page] === 0) records.findings[page] = FINDING_CODES.indexOf(code) + 1;
}

export const findingOf = ({ findings }: Records, page: number): FindingCode | undefined =>
  FINDING_CODES[(findings[page] ?? 0) - 1];

const MAX_CHILD = 2 ** 32 - 1;

/** Notes one element of a branch, one after another. False where there is no room left. */
export function addElement(
  records: Records,
  page: number,
  count: number,
  index: number,
  child: number,
  { main, place }: RevisionKey,
): boolean {
  if (index === 0) {
    if (!makeRoom(records, count)) return false;
    records.refs[page] = (records.chunks.length - 1) * CHUNK + records.used;
    records.used += count;
  }
  const at = (records.refs[page] ?? 0) + index;
  const chunk = records.chunks[Math.floor(at / CHUNK)];
  if (chunk === undefined) return false;
  const within = at % CHUNK;
  chunk.children[within] = Math.min(child, MAX_CHILD); // no file has such a page either
  chunk.mains[within] = main;
  chunk.places[within] = place;
  return true;
}

function makeRoom(records: Records, count: number): boolean {
  if (records.used + count <= CHUNK) return true;
  if (!records.spend(BYTES_PER_CHUNK)) return false;
  records.chunks.push({
    children: new Uint32Array(CHUNK),
    mains: new Float64Array(CHUNK),
    places: new Uint32Array(CHUNK),
  });
  records.used = 0;
  return true;
}

/** One element of a branch whose keys are revisions. */
export function elementOf(
  { refs, chunks }: Records,
  page: number,
  index: number,
): { child: number; main: number; place: number } {
  const at = (refs[page] ?? 0) + index;
  const chunk = chunks[Math.floor(at / CHUNK)];
  const within = at % CHUNK;
  return {
    child: chunk?.children[within] ?? MAX_CHILD,
    main: chunk?.mains[within] ?? 0,
    place: chunk?.places[within] ?? 0,
  };
}
