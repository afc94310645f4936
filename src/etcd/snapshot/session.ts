import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2';
import { isIP } from 'node:net';
import { type Connection, systemRoots } from '../client/connection.ts';
import { EtcdError, toEtcdError } from '../errors.ts';

/**
 * gRPC as far as a snapshot needs it, on Node's own HTTP/2: one connection, calls with an empty request, and how each of
 * them ended.
 */

/** What the member may send ahead of us. The default of 64 KiB leaves it waiting; more than this only costs memory. */
const WINDOW_BYTES = 1 << 20;
/** No compression flag, length 0. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** Connects with the certificates of `connection`. @throws EtcdError `timeout` after the dial timeout */
export async function openSession(connection: Connection, signal: AbortSignal): Promise<ClientHttp2Session> {
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
      () => giveUp(new EtcdError('timeout', `no connection within ${dialTimeoutMs / 1000} s`)),
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

export interface Call {
  stream: ClientHttp2Stream;
  /** settles when the server has said how the call ended; rejects with a `EtcdError` */
  ended: Promise<void>;
}

/** Calls a method (`/package.Service/Method`) with an empty message. */
export function call(
  session: ClientHttp2Session,
  method: string,
  token: string | undefined,
  signal?: AbortSignal,
): Call {
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
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: Error): void => reject(toEtcdError(new Error(message, { cause })));
    let told = false;
    const tell = (headers: IncomingHttpHeaders): void => {
      const code = headers['grpc-status'];
      if (code === undefined) return;
      told = true;
      if (code === '0') resolve();
      else fail(`${String(code)} STATUS: ${messageIn(headers)}`);
    };
    stream.on('response', (headers) => {
      const status = headers[':status'];
      if (status !== 200) fail(`HTTP status ${status} instead of a gRPC answer`);
      tell(headers);
    });
    stream.on('trailers', tell);
    // Node's words alone ("Protocol error") say neither what broke nor when.
    stream.on('error', (error) =>
      fail('14 UNAVAILABLE: the connection broke before the answer was complete', error),
    );
    stream.on('close', () => {
      if (!told) fail('14 UNAVAILABLE: the connection was cut before the answer was complete');
    });
  });
}

/** gRPC's percent-encoded message; as it came where it was damaged on its way. */
function messageIn(headers: IncomingHttpHeaders): string {
  const text = String(headers['grpc-message'] ?? 'no reason given');
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded: all there is to show
  }
}
