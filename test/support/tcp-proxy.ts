import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** A TCP proxy with faults that can be switched while it runs. TLS passes through it untouched. */
export interface TcpProxy extends AsyncDisposable {
  /** With the target's scheme. */
  readonly url: string;
  /** Forwarded so far, over all connections. */
  readonly bytesFromServer: number;
  /** Open connections. */
  readonly connections: number;
  /** After this many more bytes from the server, over all connections, every connection is cut; once. */
  cutAfter(bytesFromServer: number): void;
  /** Turns one bit over in the byte that many bytes from now, over all connections; once. */
  flipBitAt(offsetFromServer: number): void;
  /** Shows everything that passes from the server, in pieces, to a function that may change bytes of it in place. */
  tamper(change: (data: Buffer) => void): void;
  /** Accepts connections and forwards nothing more, in either direction. */
  hang(): void;
  /** Cuts every connection and listens no more. */
  refuse(): Promise<void>;
  /** What the server sends, all connections together. */
  throttle(bytesPerSecond: number): void;
  /** Holds every piece of data back that long, in both directions. */
  delay(ms: number): void;
  /** Cuts every connection, with a TCP reset; new ones are as before. */
  dropConnections(): void;
  /** Back to plain forwarding. What `hang` held back flows again. */
  reset(): Promise<void>;
}

/** Listens on a port of its own and connects every client to the target. */
export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const port = await freePort();
  const sockets = new Set<Socket>();
  let bytesFromServer = 0;
  let cutAt = Number.POSITIVE_INFINITY;
  let flipAt = Number.POSITIVE_INFINITY;
  let tamperWith: ((data: Buffer) => void) | undefined;
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  let throttledUntil = 0;
  let delayMs = 0;
  let flowing = Promise.withResolvers<void>();
  flowing.resolve();

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({
      host: target.hostname,
      port: Number(target.port),
      allowHalfOpen: true,
      noDelay: true,
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.resetAndDestroy()); // the other side learns of it, which is all a proxy can do
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    void pump(client, upstream, (data) => data);
    void pump(upstream, client, fromServer);
  });

  /** Forwards until the sender ends or a socket is destroyed; never rejects. */
  async function pump(from: Socket, to: Socket, change: (data: Buffer) => Buffer): Promise<void> {
    try {
      // A socket without an encoding yields buffers; its type does not say so.
      for await (const data of from as AsyncIterable<Buffer>) {
        await flowing.promise;
        if (delayMs > 0) await sleep(delayMs);
        const passing = change(data);
        if (change === fromServer) await pace(passing.length);
        await new Promise((resolve) => to.write(passing, resolve));
        if (change === fromServer && bytesFromServer >= cutAt) return cut();
      }
      await flowing.promise;
      to.end();
    } catch {
      to.destroy(); // the sender's socket failed, and its handler has told the other side
    }
  }

  function fromServer(data: Buffer): Buffer {
    const start = bytesFromServer;
    const passing = data.subarray(0, Math.max(0, cutAt - start));
    bytesFromServer += passing.length;
    if (flipAt < bytesFromServer) {
      passing.writeUInt8(passing.readUInt8(flipAt - start) ^ 1, flipAt - start);
      flipAt = Number.POSITIVE_INFINITY;
    }
    tamperWith?.(passing);
    return passing;
  }

  async function pace(bytes: number): Promise<void> {
    throttledUntil = Math.max(throttledUntil, Date.now()) + (bytes / bytesPerSecond) * 1000;
    const wait = throttledUntil - Date.now();
    if (wait > 0) await sleep(wait);
  }

  function cut(): void {
    cutAt = Number.POSITIVE_INFINITY;
    dropConnections();
  }

  function dropConnections(): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  async function listen(): Promise<void> {
    if (server.listening) return;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }

  async function refuse(): Promise<void> {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    dropConnections();
    await closed;
  }

  async function reset(): Promise<void> {
    cutAt = flipAt = bytesPerSecond = Number.POSITIVE_INFINITY;
    throttledUntil = delayMs = 0;
    tamperWith = undefined;
    flowing.resolve();
    await listen();
  }

  await listen();
  return {
    url: `${target.protocol}//127.0.0.1:${port}`,
    get bytesFromServer() {
      return bytesFromServer;
    },
    get connections() {
      return sockets.size / 2;
    },
    cutAfter: (bytes) => {
      cutAt = bytesFromServer + bytes;
    },
    flipBitAt: (offset) => {
      flipAt = bytesFromServer + offset;
    },
    tamper: (change) => {
      tamperWith = change;
    },
    hang: () => {
      flowing = Promise.withResolvers<void>();
    },
    throttle: (rate) => {
      bytesPerSecond = rate;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    refuse,
    dropConnections,
    reset,
    [Symbol.asyncDispose]: async () => {
      flowing.resolve();
      await refuse();
    },
  };
}
