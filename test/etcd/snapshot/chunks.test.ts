import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, connect, type ClientHttp2Session } from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunksOf } from '../../../src/etcd/snapshot/chunks.ts';
import { startCall } from '../../../src/etcd/snapshot/session.ts';
import { encodeMessage, frame } from '../../support/snapshot-frames.ts';

const MIB = 2 ** 20;
/** As etcd sends it. */
const BLOB_BYTES = 32 * 1024;

/** A server that answers every call with `bytes` as a snapshot. */
async function serve(bytes: Buffer): Promise<AsyncDisposable & { session: ClientHttp2Session }> {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    for (let at = 0; at < bytes.length; at += BLOB_BYTES) {
      const blob = bytes.subarray(at, at + BLOB_BYTES);
      stream.write(frame(encodeMessage({ remaining_bytes: bytes.length - at - blob.length, blob })));
    }
    stream.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const session = connect(`http://127.0.0.1:${address.port}`, { settings: { initialWindowSize: MIB } });
  return {
    session,
    [Symbol.asyncDispose]: async () => {
      session.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

for (const size of [1, MIB - 1, MIB, MIB + 1, 9 * MIB, 9 * MIB + 12_345]) {
  test(`${size} bytes come as they were sent, and a chunk stays until two more were asked for`, async () => {
    const bytes = randomBytes(size);
    await using server = await serve(bytes);
    const seen: Buffer[] = [];
    let before: { chunk: Buffer; copy: Buffer } | undefined;
    for await (const { announced, chunk } of chunksOf(startCall(server.session, '/a/B', undefined))) {
      await sleep(5); // while more could come
      assert.equal(announced, size);
      if (before !== undefined)
        assert.ok(before.chunk.equals(before.copy), `chunk ${seen.length - 1} has changed`);
      before = { chunk, copy: Buffer.from(chunk) };
      seen.push(before.copy);
    }
    assert.ok(Buffer.concat(seen).equals(bytes));
    assert.ok(seen.slice(0, -1).every(({ length }) => length === MIB));
    assert.equal(seen.length, Math.ceil(size / MIB));
  });
}

test('who has enough ends the call', async () => {
  await using server = await serve(randomBytes(9 * MIB));
  const call = startCall(server.session, '/a/B', undefined);
  for await (const _ of chunksOf(call)) break;
  assert.ok(call.stream.destroyed);
});
