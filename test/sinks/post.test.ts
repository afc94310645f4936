import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { messageOf } from '../../src/errors.ts';
import { post } from '../../src/sinks/post.ts';
import { MIB } from '../support/units.ts';
import { again, type Answer, endless, startHostileServer } from './hostile-server.ts';

/** What a client may take before it closes: the system's buffers on both sides hold several MiB. */
const MOST_SENT = 32 * MIB;
const MOST_GROWN = 96 * MIB;

interface Sent {
  /** undefined where it was taken */
  error: string | undefined;
  seconds: number;
  sentBytes: number;
  grownBytes: number;
}

/** Posts to a server with bad manners, for four seconds at the most. */
async function postTo(answer: Answer, signal = AbortSignal.timeout(4_000)): Promise<Sent> {
  await using server = await startHostileServer(answer);
  const before = process.memoryUsage.rss();
  const began = performance.now();
  let peak = before;
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  const error = await post(
    { url: new URL(server.url), body: '{}', contentType: 'application/json' },
    { signal },
  ).then(() => undefined, messageOf);
  clearInterval(sampler);
  return {
    error,
    seconds: (performance.now() - began) / 1000,
    sentBytes: server.sent(),
    grownBytes: Math.max(peak, process.memoryUsage.rss()) - before,
  };
}

function assertBounded({ sentBytes, grownBytes }: Sent): void {
  assert.ok(sentBytes < MOST_SENT, `${sentBytes} bytes were sent`);
  assert.ok(grownBytes < MOST_GROWN, `the process grew by ${grownBytes} bytes`);
}

const bomb = gzipSync(Buffer.alloc(1024 * MIB));

describe('a sink', () => {
  for (const head of ['HTTP/1.1 400 No', 'HTTP/1.1 302 Elsewhere\r\nlocation: http://other.example/']) {
    test(`that never ends its ${head.slice(9, 12)} is not read on`, async () => {
      const sent = await postTo(endless(head));
      assert.match(sent.error ?? '', /answered 400: xxx|redirects to other\.example/);
      assert.ok(sent.seconds < 2, `${sent.seconds} s`);
      assertBounded(sent);
    });
  }

  test('that never ends its 200 has taken it', async () => {
    const sent = await postTo(endless('HTTP/1.1 200 OK'));
    assert.equal(sent.error, undefined);
    assert.ok(sent.seconds < 2, `${sent.seconds} s`);
    assertBounded(sent);
  });

  for (const status of [200, 400]) {
    test(`whose ${status} unpacks to a gigabyte, though nobody asked for it packed`, async () => {
      const head = `HTTP/1.1 ${status} X\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`;
      const sent = await postTo(async (write) => {
        await write(head);
        await write(bomb);
      });
      assert.equal(sent.error === undefined, status === 200);
      assert.ok(sent.seconds < 2, `${sent.seconds} s`);
      assertBounded(sent);
    });
  }

  test('whose refusal trickles costs no more than the time that there is', async () => {
    const sent = await postTo(async (write) => {
      await write('HTTP/1.1 400 No\r\n\r\n');
      await again('x', 100)(write);
    }, AbortSignal.timeout(1_000));
    assert.match(sent.error ?? '', /answered 400/);
    assert.ok(sent.seconds < 2, `${sent.seconds} s`);
  });

  for (const [what, text, problem] of [
    ['headers', 'x-more: yes\r\n', /Header overflow/],
    ['answers before the answer', 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n', /interim answers/],
  ] as const) {
    test(`that sends ${what} without an end is left at once`, async () => {
      const sent = await postTo(async (write) => {
        await write('HTTP/1.1 103 Early Hints\r\n');
        if (what !== 'headers') await write('\r\n');
        await again(text.repeat(1000))(write);
      });
      assert.match(sent.error ?? '', problem);
      assertBounded(sent);
    });
  }

  test('is not waited for when the run is to end', async () => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(new Error('SIGTERM')), 200);
    const sent = await postTo(() => Promise.resolve(), ending.signal);
    assert.match(sent.error ?? '', /had not answered when the run was to end/);
    assert.ok(sent.seconds < 2, `${sent.seconds} s`);
  });
});
