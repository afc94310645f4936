import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface HttpProxy extends AsyncDisposable {
  /** For `HTTP_PROXY`, with the password where it wants one. */
  readonly url: string;
  /** What it was asked for: `CONNECT s3.test:443`, `GET http://s3.test/...`. */
  readonly asked: readonly string[];
}

interface HttpProxyOptions {
  auth?: boolean;
  /** Says that the way is open; the tunnel begins when it has. */
  opens?: (client: Duplex) => Promise<void>;
}

const OPEN = 'HTTP/1.1 200 Connection established\r\n\r\n';

async function atOnce(client: Duplex): Promise<void> {
  client.write(OPEN);
}

/** Byte by byte. */
export async function inPieces(client: Duplex): Promise<void> {
  for (const byte of OPEN) {
    client.write(byte);
    await sleep(2);
  }
}

/** Never comes to the end of its answer. */
export async function withoutEnd(client: Duplex): Promise<void> {
  for (;;) {
    if (client.destroyed) throw new Error('nobody listens any more');
    if (!client.write('x-more: 1\r\n'.repeat(100))) await sleep(1);
  }
}

/** The password that a proxy wants of the user `me`. */
export const PROXY_PASSWORD = 'pass/of+the+proxy';

/**
 * A forward proxy as companies have them. Whatever name it is asked for is this machine's: so a test can use a name that
 * nobody else could reach.
 */
export async function startHttpProxy({
  auth = false,
  opens = atOnce,
}: HttpProxyOptions = {}): Promise<HttpProxy> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const wanted = `Basic ${Buffer.from(`me:${PROXY_PASSWORD}`).toString('base64')}`;
  const isKnown = ({ headers }: IncomingMessage) => !auth || headers['proxy-authorization'] === wanted;

  const server = createServer((incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    if (isKnown(incoming)) forward(incoming, answer);
    else answer.writeHead(407, { 'proxy-authenticate': 'Basic', 'content-type': 'text/html' }).end('<p>who?');
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', (incoming: IncomingMessage, client: Duplex) => {
    asked.push(`CONNECT ${incoming.url}`);
    client.on('error', () => undefined);
    if (isKnown(incoming)) tunnel(incoming, client);
    else client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n');
  });

  function tunnel({ url = '' }: IncomingMessage, client: Duplex): void {
    const upstream = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      opens(client).then(
        () => client.pipe(upstream).pipe(client),
        () => client.destroy(),
      );
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }

  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const user = auth ? `me:${encodeURIComponent(PROXY_PASSWORD)}@` : '';
  return {
    url: `http://${user}127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function forward(incoming: IncomingMessage, answer: ServerResponse): void {
  const { port, pathname, search } = new URL(incoming.url ?? '');
  const { method, headers } = incoming;
  const options = { host: '127.0.0.1', port, path: `${pathname}${search}`, method, headers };
  const upstream = request(options, (response) => {
    answer.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(answer);
  });
  upstream.on('error', () => answer.writeHead(502, { 'content-type': 'text/html' }).end('<p>nobody there'));
  incoming.pipe(upstream);
}
