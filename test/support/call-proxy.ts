import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** A gRPC status to answer with instead of the member. */
export interface GrpcStatus {
  code: number;
  message: string;
}

/**
 * The call reaches the member, and its answer does not come back: the connection is cut, the call is cancelled, or the
 * connection is told to go away as etcd's own gRPC does to a client that pings too often.
 */
export type LostAnswer = 'cut' | 'cancel' | 'goaway';

/** Answers by itself, instead of the member. */
export type Answering = (stream: ServerHttp2Stream) => void;

/** Runs when a call has arrived and is not yet passed on; what it returns is the answer. */
export type CallHook = (
  request: Buffer,
  headers: IncomingHttpHeaders,
) => Promise<Instead | void> | Instead | void;

type Instead = GrpcStatus | LostAnswer | Answering;

/**
 * A proxy before one member, plain text only, that knows one gRPC call from another: for what has to happen at the very
 * moment when a certain call comes, which no log line tells in time. `/metrics` passes through untouched.
 */
export interface CallProxy extends AsyncDisposable {
  readonly url: string;
  /** Method names in the order in which they arrived, such as `Maintenance/Defragment`. */
  readonly calls: readonly string[];
  /** From now on, for every such call, until another hook takes its place. Not for calls that stream requests. */
  before(method: string, hook: CallHook): void;
  /** No hook any more, and no call so far. */
  reset(): void;
}

const METHOD = /^\/etcdserverpb\.(.+)$/;
const PREFACE = 'PRI * HTTP/2';

/** More than a call takes to reach a member of this machine. */
const ARRIVAL_MS = 50;

export async function startCallProxy(targetUrl: string): Promise<CallProxy> {
  const target = new URL(targetUrl);
  const port = await freePort();
  const calls: string[] = [];
  const hooks = new Map<string, CallHook>();
  const sockets = new Set<Socket>();

  const grpc = createHttp2Server();
  grpc.on('session', (session) => {
    const upstream = connectHttp2(targetUrl);
    upstream.on('error', () => session.destroy()); // the member is gone: so is whoever stands for it
    upstream.on('close', () => session.destroy());
    session.on('error', () => upstream.destroy());
    session.on('close', () => upstream.destroy());
    session.on('stream', (stream, headers) => void forward(stream, headers, upstream));
  });

  async function forward(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    upstream: ClientHttp2Session,
  ): Promise<void> {
    const method = METHOD.exec(String(headers[':path']))?.[1] ?? '';
    stream.on('error', () => {}); // the client gave up; the close that follows is passed on
    calls.push(method);
    const hook = hooks.get(method);
    const request = hook && (await bodyOf(stream));
    const answer = hook && request && (await hook(request, headers));
    if (stream.destroyed || upstream.destroyed) {
      stream.destroy();
      return;
    }
    if (typeof answer === 'function') return answer(stream);
    if (typeof answer === 'object') return respondWith(stream, answer);
    const call = upstream.request(withoutConnection(headers));
    if (request) call.end(request);
    else stream.pipe(call);
    if (typeof answer === 'string') return loseAnswer(call, stream, answer);
    passAnswer(call, stream);
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      if (first.toString('latin1').startsWith(PREFACE)) grpc.emit('connection', socket);
      else passThrough(socket, target);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    before: (method, hook) => void hooks.set(method, hook),
    reset: () => {
      hooks.clear();
      calls.length = 0;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await once(stream, 'end');
  return Buffer.concat(parts);
}

function respondWith(stream: ServerHttp2Stream, { code, message }: GrpcStatus): void {
  const status = { 'grpc-status': String(code), 'grpc-message': encodeURI(message) };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
}

/** Not before the member has the call: what is lost is only the answer. */
async function loseAnswer(
  call: ClientHttp2Stream,
  stream: ServerHttp2Stream,
  how: LostAnswer,
): Promise<void> {
  call.on('error', () => {}); // it ends with its connection
  call.resume();
  await sleep(ARRIVAL_MS);
  if (how === 'cancel') return stream.close(constants.NGHTTP2_CANCEL);
  if (how === 'goaway')
    stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
  stream.session?.destroy();
}

function passAnswer(call: ClientHttp2Stream, stream: ServerHttp2Stream): void {
  let trailers: OutgoingHttpHeaders = {};
  call.on('response', (headers, flags) => {
    if (stream.destroyed) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(withoutConnection(headers), { endStream, waitForTrailers: !endStream });
    if (!endStream) call.pipe(stream);
  });
  call.on('trailers', (headers) => {
    trailers = withoutConnection(headers);
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  call.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  stream.on('close', () => call.close(constants.NGHTTP2_CANCEL));
}

/** Headers that belong to the call and not to the connection; the symbol is Node's list of secret ones. */
function withoutConnection(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'connection'));
}

function passThrough(socket: Socket, target: URL): void {
  const upstream = connect(Number(target.port), target.hostname);
  upstream.on('error', () => socket.destroy());
  socket.on('close', () => upstream.destroy());
  socket.pipe(upstream).pipe(socket);
}
