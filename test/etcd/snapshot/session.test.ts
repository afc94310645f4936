import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/config.ts';
import { Interrupted } from '../../../src/errors.ts';
import { EtcdError, type EtcdErrorCode } from '../../../src/etcd/errors.ts';
import { openSession, startCall } from '../../../src/etcd/snapshot/session.ts';
import { startRefusingServer } from '../../support/refusing-grpc-server.ts';

const METHOD = '/etcdserverpb.Maintenance/Snapshot';
const { etcd: settings } = loadConfig({
  ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1',
  ETCDCTL_DIAL_TIMEOUT: '1s',
});
const never = new AbortController().signal;

/** How a call to that port ends. */
async function endOf(port: number, signal?: AbortSignal): Promise<unknown> {
  const session = await openSession({ endpoint: `http://127.0.0.1:${port}`, settings }, never);
  try {
    const { stream, ended } = startCall(session, METHOD, undefined, signal);
    stream.on('error', () => undefined);
    stream.resume();
    return await ended.catch((error: unknown) => error);
  } finally {
    session.destroy();
  }
}

/** A server that does this with every call. */
async function serve(answer: (stream: ServerHttp2Stream) => void) {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { port: address.port, [Symbol.dispose]: () => void server.close() };
}

const trailers =
  (headers: OutgoingHttpHeaders) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(headers));
    stream.end();
  };

describe('a call on the bare HTTP/2 of the snapshot', () => {
  test('of a method that a gRPC server does not have ends with its number and its words', async () => {
    await using server = await startRefusingServer();
    const error = await endOf(server.port);
    assert.ok(error instanceof EtcdError);
    assert.deepEqual([error.code, error.message.includes(METHOD)], ['other', true], error.message);
  });

  const rows: [name: string, headers: OutgoingHttpHeaders, code: EtcdErrorCode, message: string][] = [
    [
      "etcd's own description, percent-encoded",
      { 'grpc-status': '14', 'grpc-message': 'etcdserver%3A no leader' },
      'no-leader',
      'etcdserver: no leader',
    ],
    [
      'a percent-encoded sentence',
      { 'grpc-status': '7', 'grpc-message': '100%25 of nothing' },
      'access',
      '100% of nothing',
    ],
    [
      'a message that was damaged on its way',
      { 'grpc-status': '4', 'grpc-message': '%zz' },
      'timeout',
      '%zz',
    ],
    ['a number alone', { 'grpc-status': '16' }, 'access', 'no reason given'],
    ['a number that nobody knows', { 'grpc-status': '99', 'grpc-message': 'why' }, 'other', 'why'],
  ];
  for (const [name, headers, code, message] of rows) {
    test(`that is refused with ${name}: ${code}`, async () => {
      using server = await serve(trailers(headers));
      const error = await endOf(server.port);
      assert.ok(error instanceof EtcdError);
      assert.deepEqual([error.code, error.message], [code, message]);
    });
  }

  test('that went well ends without an error', async () => {
    using server = await serve(trailers({ 'grpc-status': '0' }));
    assert.equal(await endOf(server.port), undefined);
  });

  test('that something other than gRPC answers says so', async () => {
    using server = await serve((stream) => {
      stream.respond({ ':status': 404 });
      stream.end();
    });
    const error = await endOf(server.port);
    assert.ok(error instanceof EtcdError);
    assert.deepEqual([error.code, error.message], ['other', 'HTTP status 404 instead of a gRPC answer']);
  });

  test('whose connection is cut: unreachable, and it says when that was', async () => {
    using server = await serve((stream) => stream.session?.destroy());
    const error = await endOf(server.port);
    assert.ok(error instanceof EtcdError);
    assert.equal(error.code, 'unreachable');
    assert.match(error.message, /^the connection (?:broke|was cut) before the answer was complete/);
  });
});

test('a connection is not made where the run has been told to end', async () => {
  const endpoint = 'http://127.0.0.1:1';
  const end = new Interrupted('SIGTERM');
  await assert.rejects(openSession({ endpoint, settings }, AbortSignal.abort(end)), end);
});
