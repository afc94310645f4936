import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { startCluster } from './etcd-cluster.ts';
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts';

const SIZE = 2 ** 20;

/** A server that sends a fixed megabyte to whoever connects. */
async function startSource(): Promise<AsyncDisposable & { url: string; data: Buffer }> {
  const data = createHash('shake256', { outputLength: SIZE }).update('source').digest();
  const server = createServer((socket) => {
    socket.on('error', () => {}); // being cut off is what these tests do to it
    socket.end(data);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    url: `http://127.0.0.1:${address.port}`,
    data,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** What a client receives, and the error that ended it. */
async function receive(proxy: TcpProxy, timeoutMs = 10_000): Promise<{ data: Buffer; error?: string }> {
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(Buffer.from(part)));
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('nothing came')));
  const outcome = await Promise.race([
    once(socket, 'end').then(() => ({})),
    once(socket, 'error').then(([error]) => ({ error: error instanceof Error ? error.message : '' })),
  ]).catch((error: Error) => ({ error: error.message }));
  socket.destroy();
  return { data: Buffer.concat(parts), ...outcome };
}

test('forwards and counts', async () => {
  await using source = await startSource();
  await using proxy = await startTcpProxy(source.url);
  const { data } = await receive(proxy);
  assert.ok(data.equals(source.data));
  assert.equal(proxy.bytesFromServer, SIZE);
});

test('cuts after so many bytes, once', async () => {
  await using source = await startSource();
  await using proxy = await startTcpProxy(source.url);
  proxy.cutAfter(300_000);
  const { data, error } = await receive(proxy);
  assert.match(error ?? '', /ECONNRESET/);
  assert.ok(data.length <= 300_000);
  assert.equal(proxy.bytesFromServer, 300_000);
  assert.equal((await receive(proxy)).data.length, SIZE);
});

test('flips one bit, once', async () => {
  await using source = await startSource();
  await using proxy = await startTcpProxy(source.url);
  proxy.flipBitAt(700_000);
  const { data } = await receive(proxy);
  const wrong = [...data.keys()].filter((index) => data[index] !== source.data[index]);
  assert.deepEqual(wrong, [700_000]);
  assert.ok((await receive(proxy)).data.equals(source.data));
});

test('hangs, and flows again', async () => {
  await using source = await startSource();
  await using proxy = await startTcpProxy(source.url);
  proxy.hang();
  const { data, error } = await receive(proxy, 200);
  assert.equal(error, 'nothing came');
  assert.equal(data.length, 0);
  const waiting = receive(proxy);
  await proxy.reset();
  assert.equal((await waiting).data.length, SIZE);
});

test('refuses, and listens again on the same port', async () => {
  await using source = await startSource();
  await using proxy = await startTcpProxy(source.url);
  await proxy.refuse();
  assert.match((await receive(proxy)).error ?? '', /ECONNREFUSED/);
  await proxy.reset();
  assert.equal((await receive(proxy)).data.length, SIZE);
});

test('throttles and delays', async () => {
  await using source = await startSource();
  await using proxy = await startTcpProxy(source.url);
  proxy.throttle(4 * SIZE);
  const started = Date.now();
  await receive(proxy);
  const throttled = Date.now() - started;
  assert.ok(throttled >= 200 && throttled < 2000, `${throttled} ms`);
  await proxy.reset();
  proxy.delay(100);
  const again = Date.now();
  await receive(proxy);
  assert.ok(Date.now() - again >= 100);
});

test('stands in front of a TLS member that advertises it', async () => {
  const proxies: TcpProxy[] = [];
  await using cluster = await startCluster({
    tls: true,
    advertise: async ({ clientUrl }) => {
      const proxy = await startTcpProxy(clientUrl);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  await using proxy = proxies[0] ?? assert.fail('no proxy was started');
  assert.equal(cluster.endpoints, proxy.url);
  assert.match(await cluster.etcdctl('member', 'list'), new RegExp(proxy.url));
  assert.equal(proxy.bytesFromServer, 0);
});
