import { status } from '@grpc/grpc-js';
import type { IWatchResponse } from 'etcd3';
import { quoted } from '../../util/printable.ts';
import type { Permit } from '../cluster/permit.ts';
import { statusError, toEtcdError } from '../errors.ts';
import type { CompactRevKey } from '../types.ts';
import { wholeNumber, withHeader } from './answers.ts';
import type { Connection } from './connection.ts';
import { FIRST_KEY, rangeOf } from './keys.ts';
import { askOnStream } from './stream.ts';

/** What has been compacted, and compacting. All throw an `EtcdError`. */

const COMPACT_REV_KEY = Buffer.from('compact_rev_key');

/** Where kube-apiserver notes what it compacted. Asked of this member alone. */
export async function compactRevKey(connection: Connection): Promise<CompactRevKey> {
  const { kvs } = await rangeOf(connection, { key: COMPACT_REV_KEY });
  const found = kvs[0];
  if (found === undefined) return { kind: 'absent' };
  return toCompactRevKey(found.value.toString(), Number(found.mod_revision));
}

/**
 * What kube-apiserver notes is a revision before that of the note. Anything else says that somebody keeps a history, and
 * not how much of it: taken for no key at all, it would be compacted away.
 */
export function toCompactRevKey(text: string, modRevision: number): CompactRevKey {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < modRevision) return { kind: 'known', value, modRevision };
  const message = `it holds ${quoted(text)}, which is no revision before ${modRevision}, when it was written`;
  return { kind: 'unknown', message };
}

/** The revision below which history is gone, 0 before the first compaction. */
export async function compactRevision(connection: Connection): Promise<number> {
  return (await remembersAll(connection)) ? 0 : compactRevisionByWatch(connection);
}

/** Whether the first revision can still be read. */
async function remembersAll(connection: Connection): Promise<boolean> {
  const first = { key: FIRST_KEY, revision: '1', serializable: true, limit: '1' };
  try {
    withHeader(await connection.call((options) => connection.kv.range(first, options)));
    return true;
  } catch (error) {
    if (toEtcdError(error).code === 'compacted') return false;
    throw error;
  }
}

/**
 * A watch that begins before the compact revision is cancelled with that number, the one cheap place where etcd tells
 * it.
 */
export const compactRevisionByWatch = (connection: Connection): Promise<number> =>
  connection.call(async (options) =>
    askOnStream(
      await connection.watchClient.watch(options),
      { create_request: { key: FIRST_KEY, start_revision: '1' } },
      compactRevisionIn,
      'the watch ended without telling the compact revision',
    ),
  );

function compactRevisionIn(answer: IWatchResponse): number | undefined {
  if (answer.compact_revision !== '0') return wholeNumber(answer.compact_revision, 'the compact revision', 1);
  if (answer.canceled)
    throw statusError({ code: status.UNKNOWN, details: withoutGosFrame(answer.cancel_reason) });
  return undefined;
}

/** etcd puts its error into the reason as Go prints it. */
const withoutGosFrame = (reason: string): string => reason.replace(/^rpc error: code = \w+ desc = /, '');

/** Resolves once this member has deleted what the compaction allows it to, unless the deadline comes first. */
export async function compactPhysically(
  _permit: Permit,
  connection: Connection,
  revision: number,
  timeoutMs: number,
): Promise<void> {
  const request = { revision: String(revision), physical: true };
  withHeader(await connection.call((options) => connection.kv.compact(request, options), timeoutMs));
}
