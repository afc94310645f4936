import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Ports below the range that systems take for outgoing connections: a member that is down for a while must find its
 * port free when it comes back.
 */
const FIRST = 10_000;
const LAST = 32_000;
const BLOCK = 16;

interface Block {
  /** Keeps other test processes off the block for as long as this process lives. */
  guard: Server;
  next: number;
  end: number;
}

let block: Promise<Block> | undefined;

/** A port on 127.0.0.1 that nothing listens on and that no other test process will be given. */
export async function freePort(): Promise<number> {
  for (;;) {
    block ??= takeBlock();
    const mine = block;
    const current = await mine;
    const port = current.next++;
    if (port >= current.end) {
      if (block === mine) block = undefined;
      continue;
    }
    const server = await listen(port);
    if (server === undefined) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

async function takeBlock(): Promise<Block> {
  const blocks = Math.floor((LAST - FIRST) / BLOCK);
  for (;;) {
    const start = FIRST + BLOCK * Math.floor(Math.random() * blocks);
    const guard = await listen(start);
    if (guard === undefined) continue;
    guard.unref();
    return { guard, next: start + 1, end: start + BLOCK };
  }
}

/** A server on the port, or undefined where the port is taken. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined; // taken: the next one then
  }
}
