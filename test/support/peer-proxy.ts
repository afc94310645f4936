import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** A proxy before the peer URL of a member of a plain-text cluster. */
export interface PeerProxy extends AsyncDisposable {
  readonly url: string;
  /**
   * Lets log entries trickle to the member with this ID (hexadecimal) from now on, while heartbeats pass: it keeps its
   * leader and falls behind. Members ask each other for streams, and entries have one of their own.
   */
  starve(memberId: string): void;
  /** Everything passes again. */
  feed(): void;
}

/** Slow enough for a value of a few kilobytes to take minutes, and never silent for so long that etcd would redial. */
const TRICKLE_BYTES = 16;
const TRICKLE_MS = 100;

export async function startPeerProxy(peerUrl: string): Promise<PeerProxy> {
  const target = new URL(peerUrl);
  const port = await freePort();
  const sockets = new Set<Socket>();
  let starved: string | undefined;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let asked = '';
    client.on('data', (data: Buffer) => {
      if (asked.length < 4096) asked += data.toString('latin1');
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream);
    const isStarved = () =>
      starved !== undefined && asked.startsWith('GET /raft/stream/msgapp') && serverFrom(asked) === starved;
    void pump(upstream, client, isStarved);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${port}`,
    starve: (memberId) => {
      starved = memberId;
    },
    feed: () => {
      starved = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** The member that asks, as etcd's own header names it. */
const serverFrom = (request: string): string | undefined => /^X-Server-From: (\w+)/im.exec(request)?.[1];

async function pump(from: Socket, to: Socket, isStarved: () => boolean): Promise<void> {
  try {
    // A socket without an encoding yields buffers; its type does not say so.
    for await (const data of from as AsyncIterable<Buffer>) {
      for (let offset = 0; offset < data.length && !to.destroyed; ) {
        const end = isStarved() ? offset + TRICKLE_BYTES : data.length;
        to.write(data.subarray(offset, end));
        offset = end;
        if (offset < data.length) await sleep(TRICKLE_MS);
      }
    }
    to.end();
  } catch {
    to.destroy(); // the other member went away
  }
}
