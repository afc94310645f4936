import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { reportOf } from '../../src/run/report.ts';
import { newRunState } from '../../src/run/state.ts';
import { sendHeartbeat } from '../../src/sinks/heartbeat.ts';
import { usageOf } from '../support/usage.ts';

const NOW = new Date('2026-03-04T01:00:00Z');

test('a monitor is told what fills the database by resource, and no key nor namespace', async () => {
  const body = Promise.withResolvers<string>();
  await using server = createServer((request, response) => {
    response.end();
    text(request).then(body.resolve, body.reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  const usage = usageOf({ secrets: [500, 20] }, ['/registry/secrets/default/payment']);
  const report = reportOf({ ...newRunState('1.2.3', NOW), usage }, NOW);
  await sendHeartbeat(new URL(`http://127.0.0.1:${address.port}/ping`), report, {
    signal: AbortSignal.timeout(10_000),
  });
  const sent: unknown = JSON.parse(await body.promise);
  const { total, resources } = usage;
  assert.deepEqual(sent, JSON.parse(JSON.stringify({ ...report, usage: { total, resources } })));
});
