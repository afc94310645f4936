import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2';
import { isIP } from 'node:net';
import { type Connection, systemRoots } from './connection.ts';
import { blobReader } from './grpc-frames.ts';
import { memberBehind } from './identity.ts';
import { Refusal, refusalOf } from './refusal.ts';

const METHOD = '/etcdserverpb.Maintenance/Snapshot';
const CHUNK_BYTES = 1 << 20;
/** What the member may send ahead of us. The default of 64 KiB leaves it waiting; more than this only costs memory. */
const WINDOW_BYTES = 1 << 20;
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
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': METHOD,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...(token !== undefined && { token }),
      },
      { signal },
    );
    stream.end(Buffer.alloc(5)); // one empty message: no compression flag, length 0
    const ended = endOf(stream);
    const pieces = chunksOf(stream, ended);
    const first = await pieces.next();
    if (first.done) throw new Refusal('other', 'the snapshot stream ended before its first byte');
    return { announcedBytes: first.value.announced, chunks: prepend(first.value.chunk, pieces), close };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw refusalOf(error);
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
      throw refusalOf(error);
    }
    session.destroy();
  }
  throw new Refusal(
    'other',
    `${SESSION_TRIES} connections to ${connection.endpoint} led to other members than the one that was inspected, as ` +
      "behind a load balancer: give the members' own addresses in ETCDCTL_ENDPOINTS",
  );
}

async function openSession(connection: Connection, signal: AbortSignal): Promise<ClientHttp2Session> {
  const { tls, dialTimeoutMs } = connection.settings;
  const { hostname } = new URL(connection.endpoint);
  const host = hostname.replace(/^\[|\]$/g, '');
  const session = connect(connection.endpoint, {
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    ca: tls?.ca ?? systemRoots(),
    ...(tls?.cert && { cert: tls.cert }),
    ...(tls?.key && { key: tls.key }),
    // An IP address is no server name (RFC 6066); the certificate is checked against it all the same.
    ...(isIP(host) !== 0 && { servername: '' }),
  });
  return await new Promise((resolve, reject) => {
    const giveUp = (error: Error): void => {
      session.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => giveUp(new Refusal('timeout', `no connection within ${dialTimeoutMs / 1000} s`)),
      dialTimeoutMs,
    );
    const abort = (): void => giveUp(new Error('aborted', { cause: signal.reason }));
    signal.addEventListener('abort', abort, { once: true });
    session.once('error', giveUp);
    session.once('connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      session.off('error', giveUp);
      // A later error of the session reaches the stream too, which is where it is dealt with.
      session.on('error', () => undefined);
      session.setLocalWindowSize(WINDOW_BYTES);
      resolve(session);
    });
  });
}

/** Settles when the server has said how the call ended. Rejects with a `Refusal`. */
function endOf(stream: ClientHttp2Stream): Promise<void> {
  const end = new Promise<void>((resolve, reject) => {
    const fail = (message: string, cause?: Error): void => reject(refusalOf(new Error(message, { cause })));
    let told = false;
    const tell = (headers: IncomingHttpHeaders): void => {
      const code = headers['grpc-status'];
      if (code === undefined) return;
      told = true;
      if (code === '0') return resolve();
      fail(
        `${String(code)} STATUS: ${decodeURIComponent(String(headers['grpc-message'] ?? 'no reason given'))}`,
      );
    };
    stream.on('response', (headers) => {
      const status = headers[':status'];
      if (status !== 200) fail(`HTTP status ${status} instead of a gRPC answer`);
      tell(headers);
    });
    stream.on('trailers', tell);
    // Node's words alone ("Protocol error") say neither what broke nor when.
    stream.on('error', (error) =>
      fail('14 UNAVAILABLE: the connection broke before the snapshot was complete', error),
    );
    stream.on('close', () => {
      if (!told) fail('14 UNAVAILABLE: the connection was cut before the snapshot was complete');
    });
    stream.setTimeout(STALL_MS, () => {
      fail(`4 DEADLINE_EXCEEDED: nothing came for ${STALL_MS / 1000} s`);
      stream.destroy();
    });
  });
  // It is awaited at the end of the data; until then a rejection is not yet anybody's.
  end.catch(() => undefined);
  return end;
}

interface Piece {
  announced: number;
  chunk: Buffer;
}

async function* chunksOf(stream: ClientHttp2Stream, ended: Promise<void>): AsyncGenerator<Piece, void> {
  const ring = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  const reader = blobReader();
  let turn = 0;
  let filled = 0;
  const current = (): Buffer => ring[turn % ring.length] ?? Buffer.alloc(0);
  function* blobsIn(data: Buffer): Generator<Buffer, void> {
    try {
      yield* reader.feed(data);
    } catch (error) {
      const found = refusalOf(error).message;
      throw new Refusal('other', `${found}: it was damaged on its way, look at the network`, {
        cause: error,
      });
    }
  }
  try {
    for await (const data of stream) {
      for (const blob of blobsIn(data)) {
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
    }
  } catch (error) {
    // The server's reason says more than "stream closed", when it gave one. But a stream that is given up because of
    // what came on it says only that.
    if (!(error instanceof Refusal)) await ended;
    throw error;
  }
  await ended;
  if (filled > 0) yield { announced: reader.announced(), chunk: current().subarray(0, filled) };
}

async function* prepend(first: Buffer, rest: AsyncGenerator<Piece, void>): AsyncGenerator<Buffer, void> {
  yield first;
  for await (const { chunk } of rest) yield chunk;
}
