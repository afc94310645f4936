import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../../src/config/config.ts';
import { Connection } from '../../../src/etcd/client/connection.ts';
import { readMetrics } from '../../../src/etcd/client/metrics.ts';
import { freePort } from '../../support/free-port.ts';
import { MIB } from '../../support/units.ts';

/** Longer than any machine needs, but for the test of time. */
const PATIENCE_MS = 60_000;
const TIMEOUT_MS = 1_000;
const LINE = 'etcd_server_quota_backend_bytes 8589934592\n';

interface Member extends AsyncDisposable {
  read(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

/** A member whose `/metrics` are what `answer` writes. */
async function startMember(
  answer: (response: ServerResponse) => void,
  timeoutMs = PATIENCE_MS,
): Promise<Member> {
  const server = createServer((_request, response) => answer(response));
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${port}`;
  const env = { ETCDCTL_ENDPOINTS: endpoint, ETCDCTL_COMMAND_TIMEOUT: `${timeoutMs}ms` };
  const settings = loadConfig(env).etcd;
  return {
    read: (signal = new AbortController().signal) => readMetrics(new Connection(endpoint, settings, signal)),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The same again and again, each time after a pause, as long as anybody takes it. */
function endless(text: string, pauseMs = 0) {
  const sent = { bytes: 0 };
  async function* pieces() {
    for (;;) {
      sent.bytes += text.length;
      yield text;
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }
  const sendTo = (response: ServerResponse): void => void Readable.from(pieces()).pipe(response);
  return { sent, sendTo };
}

describe("a member's metrics", { concurrency: 3 }, () => {
  test('are numbers; what is none is left out', async () => {
    await using member = await startMember((response) => {
      response.end(`# HELP\n${LINE}a_b NaN\nc_d +Inf\ne_f{x="y"} 3\ng_h 1.5e+3\ni_j zero\n`);
    });
    const metrics = await member.read();
    assert.deepEqual(
      [...metrics],
      [
        ['etcd_server_quota_backend_bytes', 8_589_934_592],
        ['g_h', 1500],
      ],
    );
  });

  for (const status of [200, 404]) {
    test(`that never end (status ${status}) are not read to their end`, async () => {
      const { sent, sendTo } = endless('x'.repeat(65_536));
      await using member = await startMember((response) => sendTo(response.writeHead(status)));
      assert.equal((await member.read()).size, 0);
      const { bytes } = sent;
      assert.ok(bytes < 32 * MIB, `${bytes} bytes were taken`);
      await sleep(200);
      assert.ok(sent.bytes < bytes + MIB, 'the connection is closed');
    });
  }

  test('that trickle in are given up in time', async () => {
    const { sendTo } = endless(LINE, 100);
    await using member = await startMember(sendTo, TIMEOUT_MS);
    const began = performance.now();
    assert.equal((await member.read()).size, 0);
    assert.ok(performance.now() - began < PATIENCE_MS / 2);
  });

  test('are given up at the end of the run', async () => {
    await using member = await startMember(() => {});
    const ended = new AbortController();
    const reading = member.read(ended.signal);
    ended.abort(new Error('the end'));
    await assert.rejects(reading, /the end/);
  });
});
