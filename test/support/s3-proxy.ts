import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface S3Request {
  /** As S3 calls it: `UploadPart`. */
  operation: string;
  key: string;
  /** Of the part, where there is one. */
  part: number | undefined;
  /** `bytes=...`, where a part of an object is asked for. */
  range: string | undefined;
  /** Names in lower case. */
  headers: IncomingHttpHeaders;
  /** How many requests of that operation came before. */
  count: number;
}

/** What becomes of a request instead of passing through. */
export type Fault =
  | { kind: 'answer'; status: number; code: string; message?: string; headers?: Record<string, string> }
  /** The connection is reset, before or after the server has got the request. */
  | { kind: 'reset' }
  | { kind: 'lose-answer' }
  /** The answer's body is cut, or one bit in it turned over, at that byte. */
  | { kind: 'cut'; at: number; headers?: Headers }
  | { kind: 'flip'; at: number }
  | { kind: 'delay'; ms: number }
  /** Nothing is passed on and nothing answered. */
  | { kind: 'hang' }
  /** That header is not passed on. */
  | { kind: 'without'; header: string }
  /** What is no answer of S3's, say that of a web server; HEAD gets its head. */
  | { kind: 'page'; status?: number; body?: string; headers?: Record<string, string> }
  /** The server's answer with another body, or other headers. */
  | { kind: 'change'; body?: (text: string) => string; headers?: Headers };

/** Instead of the server's own; undefined leaves one out. Without its length a body is sent in chunks. */
type Headers = Record<string, string | undefined>;

export type FaultRule = (request: S3Request) => Fault | undefined | Promise<Fault | undefined>;

/** An HTTP proxy before an S3 server that knows one request from another, for faults at a certain one. */
export interface S3Proxy extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly S3Request[];
  /** From now on; the last one counts. */
  fail(rule: FaultRule): void;
  /** No faults any more and no requests so far. */
  reset(): void;
}

export async function startS3Proxy(targetUrl: string): Promise<S3Proxy> {
  const { hostname, port: targetPort } = new URL(targetUrl);
  const port = await freePort();
  const requests: S3Request[] = [];
  const sockets = new Set<Socket>();
  const agent = new Agent({ keepAlive: true });
  let rule: FaultRule | undefined;

  const server = createServer((incoming, answer) => {
    incoming.on('error', () => undefined); // the client went away; the pipeline below ends by it
    const { socket } = incoming; // which the request loses when it is closed
    forward(incoming, answer).catch(() => socket.resetAndDestroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  async function forward(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const described = describe(incoming, requests);
    requests.push(described);
    const fault = await rule?.(described);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void incoming.socket.resetAndDestroy();
    if (fault?.kind === 'answer') return respond(incoming, answer, fault);
    if (fault?.kind === 'page') return show(incoming, answer, fault);
    if (fault?.kind === 'delay') await sleep(fault.ms);
    const headers = { ...incoming.headers };
    if (fault?.kind === 'without') delete headers[fault.header];
    const { method, url } = incoming;
    const upstream = request({ host: hostname, port: targetPort, method, path: url, headers, agent });
    const [response] = await Promise.all([answerOf(upstream), pipeline(incoming, upstream)]);
    if (fault?.kind === 'lose-answer') {
      response.resume();
      return void incoming.socket.resetAndDestroy();
    }
    if (fault?.kind === 'change') return change(response, answer, fault);
    const others = fault?.kind === 'cut' ? fault.headers : undefined;
    answer.writeHead(response.statusCode ?? 500, merged(response.headers, others));
    await (fault?.kind === 'cut' || fault?.kind === 'flip'
      ? pipeline(response, damage(fault), answer)
      : pipeline(response, answer));
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fail: (next) => {
      rule = next;
    },
    reset: () => {
      rule = undefined;
      requests.length = 0;
    },
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function answerOf(upstream: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.on('response', resolve);
    upstream.on('error', reject);
  });
}

function describe(
  { method = '', url = '', headers }: IncomingMessage,
  before: readonly S3Request[],
): S3Request {
  const { pathname, searchParams: query } = new URL(url, 'http://s3');
  const [, , ...key] = decodeURIComponent(pathname).split('/');
  const operation = operationOf(method, query, key.join('/'));
  return {
    operation,
    key: key.join('/'),
    part: query.has('partNumber') ? Number(query.get('partNumber')) : undefined,
    range: headers.range,
    headers,
    count: before.filter((one) => one.operation === operation).length,
  };
}

function operationOf(method: string, query: URLSearchParams, key: string): string {
  if (key === '') return query.has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2';
  const [plain, ofUpload] = {
    GET: ['GetObject', 'ListParts'],
    HEAD: ['HeadObject', ''],
    PUT: ['PutObject', 'UploadPart'],
    POST: ['CreateMultipartUpload', 'CompleteMultipartUpload'],
    DELETE: ['DeleteObject', 'AbortMultipartUpload'],
  }[method] ?? ['', ''];
  return (query.has('uploadId') ? ofUpload : plain) ?? '';
}

async function respond(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { status, code, message = 'as the test wants it', headers = {} }: Extract<Fault, { kind: 'answer' }>,
): Promise<void> {
  for await (const _ of incoming); // the whole request first, as a server that answers does
  answer.writeHead(status, { 'content-type': 'application/xml', ...headers });
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  answer.end(incoming.method === 'HEAD' ? undefined : text);
}

async function show(
  incoming: IncomingMessage,
  answer: ServerResponse,
  {
    status = 200,
    body = '<!DOCTYPE html><html><p>Welcome</p></html>',
    headers,
  }: Extract<Fault, { kind: 'page' }>,
): Promise<void> {
  for await (const _ of incoming);
  answer.writeHead(status, headers ?? { 'content-type': 'text/html; charset=utf-8' });
  answer.end(incoming.method === 'HEAD' ? undefined : body);
}

async function change(
  response: IncomingMessage,
  answer: ServerResponse,
  { body, headers }: Extract<Fault, { kind: 'change' }>,
): Promise<void> {
  const length: Headers = body === undefined ? {} : { 'content-length': undefined };
  answer.writeHead(response.statusCode ?? 500, merged(response.headers, { ...length, ...headers }));
  if (body === undefined) return pipeline(response, answer);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  answer.end(body(Buffer.concat(pieces).toString()));
}

function merged(before: IncomingHttpHeaders, headers: Headers = {}): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries({ ...before, ...headers }).filter(([, value]) => value !== undefined),
  );
}

/** Throws where it cuts, which resets the connection. */
function damage({ kind, at }: Extract<Fault, { kind: 'cut' | 'flip' }>): Transform {
  let seen = 0;
  return new Transform({
    transform(data: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      const here = at - seen;
      seen += data.length;
      if (here < 0 || here >= data.length) return done(null, data);
      if (kind === 'flip') {
        data.writeUInt8(data.readUInt8(here) ^ 1, here);
        return done(null, data);
      }
      this.push(data.subarray(0, here));
      setTimeout(() => done(new Error('cut')), 20); // so that the bytes before it get through
    },
  });
}
