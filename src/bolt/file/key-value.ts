import { afterValue, LENGTH, MAX_TAG, MAX_VARINT_BYTES, numberEnd, readNumber, VARINT } from './wire.ts';

/**
 * A revision's value: the message `KeyValue` (etcd's api/mvccpb/kv.proto). etcd dies at its start on one that cannot be
 * read, so it is part of the structure that it can; what the user's value itself holds is not looked at.
 */

const KEY = 1;
const VALUE = 5;
const LAST_FIELD = 6;

/**
 * etcd writes six, each once. A file that was made for it could have one of two bytes each on every page, and pages that
 * lie one over the other by the thousand.
 */
export const MAX_FIELDS = 16;
/** A field's tag and the number behind it: with so many bytes at hand the next field can be read. */
export const FIELD_BYTES = 2 * MAX_VARINT_BYTES;

export interface KeyValueFields {
  /** where the key is, offset in the view */
  keyAt: number;
  keyLength: number;
  valueLength: number;
}

export const newKeyValueFields = (): KeyValueFields => ({ keyAt: 0, keyLength: 0, valueLength: 0 });

/**
 * Goes through the fields from `at` on, which lie in `view` as far as `to`, and end at `end`. Keeps no state but where it
 * is: it may be called again there once more of them came.
 * @returns `end` where they are whole; less where it cannot go on before it has `FIELD_BYTES` from there on; -1 where
 *   that is no `KeyValue`
 */
export function scanKeyValue(
  view: DataView,
  from: number,
  to: number,
  end: number,
  into: KeyValueFields,
): number {
  let at = from;
  for (let fields = 0; at < end; fields += 1) {
    if (fields === MAX_FIELDS) return -1;
    if (at >= to || (to < end && at + FIELD_BYTES > to)) return at;
    const limit = Math.min(to, end);
    const tag = readNumber(view, at, limit);
    if (numberEnd < 0 || tag > MAX_TAG) return -1;
    const field = Math.floor(tag / 8);
    at = afterField(view, field, tag % 8, numberEnd, limit, into);
    if (at < 0 || at > end) return -1;
  }
  return end;
}

/** Where the next field begins; negative where this one is none that etcd reads. */
function afterField(
  view: DataView,
  field: number,
  type: number,
  at: number,
  limit: number,
  into: KeyValueFields,
): number {
  if (field === 0) return -1;
  const isBytes = field === KEY || field === VALUE;
  if (field <= LAST_FIELD && type !== (isBytes ? LENGTH : VARINT)) return -1;
  if (!isBytes) return afterValue(view, type, at, limit);
  const length = readNumber(view, at, limit);
  if (numberEnd < 0) return -1;
  if (field === KEY) {
    into.keyAt = numberEnd;
    into.keyLength = length;
  } else into.valueLength = length;
  return numberEnd + length;
}
