import type { IRangeRequest, IRangeResponse } from 'etcd3';
import { impossible, wholeNumber, withHeader } from './answers.ts';
import type { Connection } from './connection.ts';
import { retryReads } from './retry.ts';

/** Reads of keys from one member's own memory, without a quorum. All throw an `EtcdError`. */

/** The smallest key there is; as an end it means: none. */
export const FIRST_KEY = Buffer.from([0]);
const ALL_KEYS = { key: FIRST_KEY, range_end: FIRST_KEY };

/** What a range has: its keys, how many they are without any limit, and the revision of now. */
export interface RangeAnswer {
  kvs: IRangeResponse['kvs'];
  count: number;
  revision: number;
}

/** One range of this member alone. */
export const rangeOf = (
  connection: Connection,
  request: IRangeRequest,
  timeoutMs?: number,
): Promise<RangeAnswer> => askRange(connection, { ...request, serializable: true }, timeoutMs);

/** One range by the cluster's agreement. */
export const agreedRange = (connection: Connection, request: IRangeRequest): Promise<RangeAnswer> =>
  askRange(connection, request);

async function askRange(
  connection: Connection,
  request: IRangeRequest,
  timeoutMs?: number,
): Promise<RangeAnswer> {
  const answer = await retryReads(() =>
    connection.call((options) => connection.kv.range(request, options), timeoutMs),
  );
  const { header, kvs, more } = withHeader(answer);
  const count = wholeNumber(answer.count, 'the count of keys');
  const revision = wholeNumber(header.revision, 'the revision', 1);
  // An answer without the keys that it counts would tell of a key that is there as of one that is not.
  const all = request.count_only ? 0 : count;
  if (more ? kvs.length >= count : kvs.length !== all)
    throw impossible(`${kvs.length} keys are given of ${count}`);
  return { kvs, count, revision };
}

/**
 * How many keys this member holds, and at which revision: the two in one answer, now or as of `at`. Asked for as of a
 * revision that was learnt a moment before, the count is refused where another compactor passes by.
 */
export async function countKeys(
  connection: Connection,
  timeoutMs: number,
  at = 0,
): Promise<{ keys: number; revision: number }> {
  const request = { ...ALL_KEYS, revision: String(at), count_only: true };
  const { count, revision } = await rangeOf(connection, request, timeoutMs);
  return { keys: count, revision: at || revision };
}

/** The keys from one on and below another; without values. */
export interface KeyRange {
  from: Buffer;
  below: Buffer;
}

/**
 * The first key of a range, undefined where it is empty, and how many keys the range has: etcd counts them all, however
 * few it was asked for (`count` in its rpc.proto). As of `at`, or now where that is 0, at the revision in the answer.
 */
export async function firstKey(
  connection: Connection,
  { from, below }: KeyRange,
  at: number,
): Promise<{ key: Buffer | undefined; count: number; revision: number }> {
  const request = { key: from, range_end: below, revision: String(at), limit: '1', keys_only: true };
  const { kvs, count, revision } = await rangeOf(connection, request);
  return { key: kvs[0]?.key, count, revision: at || revision };
}

/** The first keys of a range as it is now, so many at the most. */
export async function firstKeys(
  connection: Connection,
  { from, below }: KeyRange,
  most: number,
): Promise<Buffer[]> {
  const request = { key: from, range_end: below, limit: String(most), keys_only: true };
  const { kvs } = await rangeOf(connection, request);
  return kvs.map(({ key }) => key);
}

/** The value of one key as it is now; undefined where there is none. */
export async function valueOf(connection: Connection, key: Buffer): Promise<Buffer | undefined> {
  const { kvs } = await rangeOf(connection, { key });
  return kvs[0]?.value;
}
