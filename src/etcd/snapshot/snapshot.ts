import type { ClientHttp2Session } from 'node:http2';
import { retry } from '../../util/retry.ts';
import type { Connection } from '../client/connection.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import { type Chunks, lend, type LentBuffer } from '../../util/lent.ts';
import { type Identity, type MemberStatus, otherThan } from '../types.ts';
import { chunksOf, type Piece } from './chunks.ts';
import { statusBehind } from './identity.ts';
import { openSession, startCall } from './session.ts';

const METHOD = '/etcdserverpb.Maintenance/Snapshot';
/** How many connections are made to find a member behind a load balancer. */
const SESSION_TRIES = 10;

export interface SnapshotStream {
  /**
   * How long the database is by the member's word, its checksum of 32 bytes behind it not counted: etcd 3.4 to 3.7 tell
   * the size of the transaction that they copy out (api/v3rpc/maintenance.go).
   */
  announcedBytes: number;
  /** what the member said of itself on the same connection, right before it was asked for the snapshot */
  status: MemberStatus;
  /**
   * The snapshot in pieces of up to 1 MiB: the one that is being written out and the one that is being filled are all
   * that is ever held.
   */
  chunks: Chunks;
  close(): void;
}

/**
 * Streams the database of that member as it is at this moment.
 *
 * This is gRPC spoken on Node's own HTTP/2, with the connection's certificates and token. etcd sends 32 KiB at a time,
 * and per-message work in a gRPC library costs a third more time and nearly twice the memory: its dead buffers pile up
 * faster than the collector takes them away.
 *
 * @throws EtcdError, or what `signal` says when it comes first; the same from the chunks
 */
export async function openSnapshot(
  connection: Connection,
  meant: Identity,
  signal: AbortSignal,
): Promise<SnapshotStream> {
  try {
    return await connection.withToken((token) => openWith(token, connection, meant, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function openWith(
  token: string | undefined,
  connection: Connection,
  meant: Identity,
  signal: AbortSignal,
): Promise<SnapshotStream> {
  const { session, status } = await sessionWith(connection, meant, token, signal);
  const close = (): void => session.destroy();
  try {
    const pieces = chunksOf(startCall(session, METHOD, token, signal));
    const first = await pieces.next();
    if (first.done) throw new EtcdError('other', 'the snapshot stream ended before its first byte');
    const { announced, chunk } = first.value;
    return { announcedBytes: announced, status, chunks: prepend(chunk, pieces), close };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw toEtcdError(error);
  }
}

/** A connection that leads to the member which said this of itself. */
interface KnownSession {
  session: ClientHttp2Session;
  status: MemberStatus;
}

/** A connection to that member. A load balancer takes turns, so that one of the next ones leads there. */
const sessionWith = (
  connection: Connection,
  meant: Identity,
  token: string | undefined,
  signal: AbortSignal,
): Promise<KnownSession> =>
  retry(() => trySession(connection, meant, token, signal), {
    tries: SESSION_TRIES,
    shouldRetry: (error) => error instanceof EtcdError && error.code === 'other-member',
  });

async function trySession(
  connection: Connection,
  meant: Identity,
  token: string | undefined,
  signal: AbortSignal,
): Promise<KnownSession> {
  const { endpoint, settings } = connection;
  const session = await openSession(connection, signal);
  try {
    const status = await statusBehind(session, token, settings.commandTimeoutMs, signal);
    if (otherThan(meant, status) !== undefined) throw otherMembers(endpoint);
    return { session, status };
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
