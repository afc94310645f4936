import type { ClientHttp2Session } from 'node:http2';
import { retry } from '../../util/retry.ts';
import type { Connection } from '../client/connection.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import { type Chunks, lend, type LentBuffer } from '../../util/lent.ts';
import { chunksOf, type Piece } from './chunks.ts';
import { memberBehind } from './identity.ts';
import { openSession, startCall } from './session.ts';

const METHOD = '/etcdserverpb.Maintenance/Snapshot';
/** How many connections are made to find a member behind a load balancer. */
const SESSION_TRIES = 10;

export interface SnapshotStream {
  /** All bytes that will come, the trailer of 32 bytes among them or not (etcd counts the database file). */
  announcedBytes: number;
  /**
   * The snapshot in pieces of up to 1 MiB: the one that is being written out and the one that is being filled are all
   * that is ever held.
   */
  chunks: Chunks;
  close(): void;
}

/**
 * Streams the database of the member with that ID as it is at this moment.
 *
 * This is gRPC spoken on Node's own HTTP/2, with the connection's certificates and token. etcd sends 32 KiB at a time,
 * and per-message work in a gRPC library costs a third more time and nearly twice the memory: its dead buffers pile up
 * faster than the collector takes them away.
 *
 * @throws EtcdError, or what `signal` says when it comes first; the same from the chunks
 */
export const openSnapshot = (
  connection: Connection,
  memberId: string,
  signal: AbortSignal,
): Promise<SnapshotStream> => connection.withToken((token) => openWith(token, connection, memberId, signal));

async function openWith(
  token: string | undefined,
  connection: Connection,
  memberId: string,
  signal: AbortSignal,
): Promise<SnapshotStream> {
  const session = await sessionWith(connection, memberId, token, signal);
  const close = (): void => session.destroy();
  try {
    const pieces = chunksOf(startCall(session, METHOD, token, signal));
    const first = await pieces.next();
    if (first.done) throw new EtcdError('other', 'the snapshot stream ended before its first byte');
    return { announcedBytes: first.value.announced, chunks: prepend(first.value.chunk, pieces), close };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw toEtcdError(error);
  }
}

/** A connection to that member. A load balancer takes turns, so that one of the next ones leads there. */
const sessionWith = (
  connection: Connection,
  memberId: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ClientHttp2Session> =>
  retry(() => trySession(connection, memberId, token, signal), {
    tries: SESSION_TRIES,
    shouldRetry: (error) => error instanceof EtcdError && error.code === 'other-member',
  });

async function trySession(
  connection: Connection,
  memberId: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ClientHttp2Session> {
  const { endpoint, settings } = connection;
  const session = await openSession(connection, signal);
  try {
    const found = await memberBehind(session, token, settings.commandTimeoutMs);
    if (found !== memberId) throw otherMembers(endpoint);
    return session;
  } catch (error) {
    session.destroy();
    signal.throwIfAborted();
    throw toEtcdError(error);
  }
}

const otherMembers = (endpoint: string): EtcdError =>
  new EtcdError(
    'other-member',
    `${SESSION_TRIES} connections to ${endpoint} led to other members than the one that was inspected, as ` +
      "behind a load balancer: give the members' own addresses in ETCDCTL_ENDPOINTS",
  );

async function* prepend(first: Buffer, rest: AsyncGenerator<Piece, void>): AsyncGenerator<LentBuffer, void> {
  yield lend(first);
  for await (const { chunk } of rest) yield lend(chunk);
}
