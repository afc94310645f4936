import type { ClientHttp2Session } from 'node:http2';
import type { Connection } from '../client/connection.ts';
import { blobReader } from './grpc-frames.ts';
import { memberBehind } from './identity.ts';
import { EtcdError, toEtcdError } from '../errors.ts';
import { type Call, call, openSession } from './session.ts';

const METHOD = '/etcdserverpb.Maintenance/Snapshot';
const CHUNK_BYTES = 1 << 20;
/** A member that sends nothing for so long is not sending a snapshot any more. */
const STALL_MS = 60_000;
/** How many connections are made to find a member behind a load balancer. */
const SESSION_TRIES = 10;

export interface SnapshotStream {
  /** All bytes that will come, the trailer of 32 bytes among them or not (etcd counts the database file). */
  announcedBytes: number;
  /**
   * The snapshot in pieces of up to 1 MiB. A piece is overwritten after two more have been asked for: the one that is
   * being written out and the one that is being filled are all that is ever held.
   */
  chunks: AsyncIterable<Buffer>;
  close(): void;
}

/**
 * Streams the database of the member with that ID as it is at this moment.
 *
 * This is gRPC spoken on Node's own HTTP/2, with the connection's certificates and token. etcd sends 32 KiB at a time,
 * and per-message work in a gRPC library costs a third more time and nearly twice the memory: its dead buffers pile up
 * faster than the collector takes them away.
 */
export async function openSnapshot(
  connection: Connection,
  memberId: string,
  signal: AbortSignal,
): Promise<SnapshotStream> {
  const token = await connection.token();
  const session = await sessionWith(connection, memberId, token, signal);
  const close = (): void => session.destroy();
  try {
    const pieces = chunksOf(call(session, METHOD, token, signal));
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
async function sessionWith(
  connection: Connection,
  memberId: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ClientHttp2Session> {
  for (let tries = 0; tries < SESSION_TRIES; tries += 1) {
    const session = await openSession(connection, signal);
    try {
      if ((await memberBehind(session, token, connection.settings.commandTimeoutMs)) === memberId)
        return session;
    } catch (error) {
      session.destroy();
      signal.throwIfAborted();
      throw toEtcdError(error);
    }
    session.destroy();
  }
  throw new EtcdError(
    'other',
    `${SESSION_TRIES} connections to ${connection.endpoint} led to other members than the one that was inspected, as ` +
      "behind a load balancer: give the members' own addresses in ETCDCTL_ENDPOINTS",
  );
}

interface Piece {
  announced: number;
  chunk: Buffer;
}

async function* chunksOf({ stream, ended }: Call): AsyncGenerator<Piece, void> {
  const ring = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  const reader = blobReader();
  let turn = 0;
  let filled = 0;
  const current = (): Buffer => ring[turn % ring.length] ?? Buffer.alloc(0);
  const stall = stallWatch(() =>
    stream.destroy(new EtcdError('timeout', `nothing came for ${STALL_MS / 1000} s`)),
  );
  try {
    for await (const data of stream) {
      stall.busy();
      for (const blob of readable(reader.feed(data))) {
        let offset = 0;
        while (offset < blob.length) {
          const copied = blob.copy(current(), filled, offset);
          filled += copied;
          offset += copied;
          if (filled < CHUNK_BYTES) continue;
          yield { announced: reader.announced(), chunk: current() };
          turn += 1;
          filled = 0;
        }
      }
      stall.waiting();
    }
  } catch (error) {
    // The server's reason says more than "stream closed", when it gave one. But a stream that is given up because of
    // what came on it says only that.
    if (!(error instanceof EtcdError)) await ended;
    throw error;
  } finally {
    stall.end();
  }
  await ended;
  if (filled > 0) yield { announced: reader.announced(), chunk: current().subarray(0, filled) };
}

/** The frames' own words for damage say where it is; this says what to think of it. */
function* readable(blobs: Iterable<Buffer>): Generator<Buffer, void> {
  try {
    yield* blobs;
  } catch (error) {
    const found = toEtcdError(error).message;
    throw new EtcdError('other', `${found}: it was damaged on its way, look at the network`, {
      cause: error,
    });
  }
}

/** Gives up when nothing came for too long; while the store takes its time, nothing is expected to come. */
function stallWatch(giveUp: () => void) {
  let since: number | undefined = Date.now();
  const timer = setInterval(() => {
    if (since !== undefined && Date.now() - since >= STALL_MS) giveUp();
  }, 1_000);
  return {
    waiting: (): void => {
      since = Date.now();
    },
    busy: (): void => {
      since = undefined;
    },
    end: (): void => clearInterval(timer),
  };
}

async function* prepend(first: Buffer, rest: AsyncGenerator<Piece, void>): AsyncGenerator<Buffer, void> {
  yield first;
  for await (const { chunk } of rest) yield chunk;
}
