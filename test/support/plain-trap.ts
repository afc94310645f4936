import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { freePort } from './free-port.ts';

/** A port that takes connections, answers nothing, counts them and keeps what comes. */
export interface Trap extends AsyncDisposable {
  readonly address: string;
  readonly connections: () => number;
  /** All that was sent here. */
  readonly bytes: () => Buffer;
}

export async function startTrap(): Promise<Trap> {
  const sockets = new Set<Socket>();
  const pieces: Buffer[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', () => socket.destroy());
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${port}`,
    connections: () => connections,
    bytes: () => Buffer.concat(pieces),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
