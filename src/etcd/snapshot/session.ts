import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2';
import { messageOf } from '../../errors.ts';
import { type Connection, dialTimeout } from '../client/connection.ts';
import { tlsOptions } from '../client/tls.ts';
import { connectError, EtcdError, statusError } from '../errors.ts';

/**
 * gRPC as far as a snapshot needs it, on Node's own HTTP/2: one connection, calls with an empty request, and how each of
 * them ended.
 */

/** What the member may send ahead of us. The default of 64 KiB leaves it waiting; more than this only costs memory. */
const WINDOW_BYTES = 1 << 20;
/** No compression flag, length 0. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/**
 * Connects with the certificates of `connection`.
 * @throws EtcdError `timeout` after the dial timeout, `unreachable`; what `signal` says when it comes first
 */
export async function openSession(
  { endpoint, settings }: Pick<Connection, 'endpoint' | 'settings'>,
  signal: AbortSignal,
): Promise<ClientHttp2Session> {
  signal.throwIfAborted();
  const session = connect(endpoint, {
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    ...tlsOptions(endpoint, settings.tls),
  });
  try {
    await connected(session, settings.dialTimeoutMs, signal);
  } catch (error) {
    session.destroy();
    throw error;
  }
  session.setLocalWindowSize(WINDOW_BYTES);
  return session;
}

function connected(session: ClientHttp2Session, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(dialTimeout(timeoutMs)), timeoutMs);
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  session.once('connect', () => resolve());
  // It stays: a later error of the session reaches the stream too, which is where it is dealt with.
  session.on('error', (error) => reject(connectError(error)));
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  });
}

export interface GrpcCall {
  stream: ClientHttp2Stream;
  /** settles when the server has said how the call ended; rejects with an `EtcdError` */
  ended: Promise<void>;
}

/** Calls a method (`/package.Service/Method`) with an empty message. */
export function startCall(
  session: ClientHttp2Session,
  method: string,
  token: string | undefined,
  signal?: AbortSignal,
): GrpcCall {
  const headers = {
    ':method': 'POST',
    ':path': method,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(token !== undefined && { token }),
  };
  const stream = session.request(headers, signal ? { signal } : {});
  const ended = endOf(stream);
  // It is awaited at the end of the data; until then a rejection is not yet anybody's.
  ended.catch(() => undefined);
  stream.end(EMPTY_MESSAGE);
  return { stream, ended };
}

function endOf(stream: ClientHttp2Stream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settle = (headers: IncomingHttpHeaders): void => {
    const code = headers['grpc-status'];
    if (code === '0') resolve();
    else if (code !== undefined) reject(statusError({ code: Number(code), details: messageIn(headers) }));
  };
  stream.on('response', (headers) => {
    const status = headers[':status'];
    if (status !== 200) reject(new EtcdError('other', `HTTP status ${status} instead of a gRPC answer`));
    settle(headers);
  });
  stream.on('trailers', settle);
  stream.on('error', (error) => reject(error instanceof EtcdError ? error : broken(error)));
  // Without effect where the server has said how the call ended.
  stream.on('close', () =>
    reject(new EtcdError('unreachable', 'the connection was cut before the answer was complete')),
  );
  return promise;
}

/** Node's words alone ("Protocol error") say neither what broke nor when. */
const broken = (error: Error): EtcdError =>
  new EtcdError('unreachable', `the connection broke before the answer was complete: ${messageOf(error)}`, {
    cause: error,
  });

/** gRPC's percent-encoded message; as it came where it was damaged on its way. */
function messageIn(headers: IncomingHttpHeaders): string {
  const text = String(headers['grpc-message'] ?? 'no reason given');
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded: all there is to show
  }
}
