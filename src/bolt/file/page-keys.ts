import type { FindingCode } from './findings.ts';
import { isAlarm, isLease, MAX_NUMBERS_BYTES } from './number-fields.ts';
import {
  BUCKET_LEAF,
  NO_PAGE,
  type Records,
  REVISION_BRANCH,
  REVISION_LEAF,
  TEXT_BRANCH,
  TEXT_LEAF,
  type TextPage,
} from './records.ts';
import { newRevisionKey, readRevisionKey } from './revision-key.ts';

/** Takes the keys of one page after another into its record, and tells what is wrong with them. */

/** Longer is no lease, and of etcd's bucket `meta` nothing that is wanted: the largest of that has 17 bytes. */
export const MAX_WANTED_BYTES = MAX_NUMBERS_BYTES;
/** No inline bucket is so large: it is at most a quarter of a page. */
export const MAX_BUCKET_BYTES = 2 ** 16;
/** Besides its bytes, what a buffer and its place in a map or a list cost, about. */
const OVERHEAD_BYTES = 256;

export type Taken = FindingCode | 'too-much' | undefined;

const revision = newRevisionKey();

/** One key of a leaf, whose element is a bucket or not. The next has to be larger. */
export function takeLeafKey(
  records: Records,
  page: number,
  view: DataView,
  at: number,
  size: number,
  isBucket: boolean,
): Taken {
  if (isBucket) return takeText(records, page, BUCKET_LEAF, view, at, size);
  return readRevisionKey(view, at, size, revision)
    ? takeRevision(records, page, REVISION_LEAF)
    : takeText(records, page, TEXT_LEAF, view, at, size);
}

export function takeBranchKey(
  records: Records,
  page: number,
  view: DataView,
  at: number,
  size: number,
): Taken {
  return readRevisionKey(view, at, size, revision)
    ? takeRevision(records, page, REVISION_BRANCH)
    : takeText(records, page, TEXT_BRANCH, view, at, size);
}

/** The one that `takeBranchKey` took last. */
export const lastRevision = revision;

function takeRevision(records: Records, page: number, kind: number): FindingCode | undefined {
  const { kinds, firstMains, firstPlaces, lastMains, lastPlaces } = records;
  const { main, place } = revision;
  const known = kinds[page];
  if (known === NO_PAGE) {
    kinds[page] = kind;
    firstMains[page] = main;
    firstPlaces[page] = place;
  } else if (known !== kind) return 'element-kind';
  else {
    const lastMain = lastMains[page] ?? 0;
    if (main < lastMain || (main === lastMain && place <= (lastPlaces[page] ?? 0))) return 'key-order';
  }
  lastMains[page] = main;
  lastPlaces[page] = place;
  return undefined;
}

function takeText(
  records: Records,
  page: number,
  kind: number,
  view: DataView,
  at: number,
  size: number,
): Taken {
  const { kinds, texts } = records;
  const known = kinds[page];
  if (known === NO_PAGE) {
    if (!records.spend(2 * OVERHEAD_BYTES)) return 'too-much';
    kinds[page] = kind;
    texts.set(page, {
      keys: [],
      children: [],
      buckets: [],
      values: new Map(),
      areLeases: true,
      areAlarms: true,
    });
  } else if (known !== kind)
    return known === REVISION_LEAF || known === REVISION_BRANCH ? 'no-revision' : 'element-kind';
  const text = texts.get(page);
  if (text === undefined) return 'element-kind';
  const last = text.keys.at(-1);
  const key = bytesAt(view, at, size);
  if (last !== undefined && Buffer.compare(last, key) >= 0) return 'key-order';
  return keepKey(records, text, kind, key) ? undefined : 'too-much';
}

/** Of a leaf the first and the last are enough, for its own order is seen by now. */
function keepKey(records: Records, { keys }: TextPage, kind: number, key: Buffer): boolean {
  const replaced = kind !== TEXT_BRANCH && keys.length === 2 ? keys.pop() : undefined;
  // A bucket goes by that very name.
  const isSpare = kind === TEXT_LEAF && replaced?.length === key.length;
  keys.push(isSpare ? overwritten(replaced, key) : copyOf(key));
  return records.spend(key.length - (replaced?.length ?? -OVERHEAD_BYTES));
}

function overwritten(spare: Buffer, bytes: Buffer): Buffer {
  bytes.copy(spare);
  return spare;
}

/** The bytes are lent. A copy out of Node's pool would keep 8 KiB of that for one byte: nobody would have counted them. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

export const bytesAt = (view: DataView, at: number, size: number): Buffer =>
  Buffer.from(view.buffer, view.byteOffset + at, size);

/** The values of etcd's bucket `meta` that are read (etcd's server/storage/schema/schema.go and bucket.go). */
const WANTED = ['consistent_index', 'term', 'scheduledCompactRev', 'finishedCompactRev'] as const;

const isWanted = (name: string): boolean => WANTED.some((wanted) => wanted === name);
const LONGEST_WANTED = Math.max(...WANTED.map(({ length }) => length));

/** Under which name the value of a key is wanted; undefined where it is not. */
export function wantedAs(view: DataView, at: number, size: number): string | undefined {
  if (size > LONGEST_WANTED) return undefined;
  const name = bytesAt(view, at, size).toString('latin1');
  return isWanted(name) ? name : undefined;
}

/** Keeps the value of a bucket's element. */
export function takeBucket(records: Records, page: number, value: Buffer): Taken {
  const text = records.texts.get(page);
  const name = text?.keys.at(-1);
  if (text === undefined || name === undefined) return 'element-kind';
  text.buckets.push({ name, value: copyOf(value) });
  return records.spend(name.length + value.length + OVERHEAD_BYTES) ? undefined : 'too-much';
}

/** Notes what an element of a leaf, which is no bucket, cannot be. */
export function noteElement(
  { texts }: Records,
  page: number,
  view: DataView,
  keyAt: number,
  keySize: number,
  valueSize: number,
): void {
  const text = texts.get(page);
  if (text === undefined) return;
  text.areAlarms &&= isAlarm(view, keyAt, keySize);
  text.areLeases &&= isLease(view, keyAt + keySize, valueSize);
}

export function takeWanted(records: Records, page: number, name: string, value: Buffer): Taken {
  records.texts.get(page)?.values.set(name, copyOf(value));
  return records.spend(value.length + OVERHEAD_BYTES) ? undefined : 'too-much';
}
