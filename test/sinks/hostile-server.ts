import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that answers every request with whatever `answer` writes; it counts what was taken from it. */
export interface HostileServer extends AsyncDisposable {
  readonly url: string;
  /** bytes that left for the clients, those in the system's buffers included */
  sent(): number;
}

export type Answer = (write: (bytes: string | Buffer) => Promise<void>) => Promise<void>;

export async function startHostileServer(answer: Answer): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  let gone = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the client had enough
    socket.on('close', () => {
      gone += socket.bytesWritten;
      sockets.delete(socket);
    });
    socket.once('data', () => void answer((bytes) => send(socket, bytes)).catch(() => undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    sent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, gone),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function send(socket: Socket, bytes: string | Buffer): Promise<void> {
  if (socket.destroyed) throw new Error('the client is gone');
  if (socket.write(bytes)) return;
  const closed = new AbortController();
  await Promise.race([once(socket, 'drain', closed), once(socket, 'close', closed)]);
  closed.abort();
}

const MIB = Buffer.alloc(2 ** 20, 'x');

/** A body without an end, after that head. */
export const endless =
  (head: string): Answer =>
  async (write) => {
    await write(`${head}\r\n\r\n`);
    for (;;) await write(MIB);
  };

/** The same bytes again and again, with a pause in between. */
export const again =
  (bytes: string, pauseMs = 0): Answer =>
  async (write) => {
    for (;;) {
      await write(bytes);
      await sleep(pauseMs);
    }
  };
