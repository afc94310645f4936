import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { s3StoreOf } from '../../../src/config/s3-store.ts';
import { S3Store } from '../../../src/storage/s3/store.ts';
import type { Store } from '../../../src/storage/store.ts';
import { collect, MIB, NAME, never, refusedAs } from '../../support/file-store.ts';
import { awsEnv, withEnv } from '../../support/s3-server.ts';

const ROOM_MIB = 100;

type Answering = (request: IncomingMessage, answer: ServerResponse) => void;

/** A store whose server answers as no real one can be made to. */
async function withServer(
  answering: Answering,
  work: (store: Store, connections: () => number) => Promise<void>,
  options: { requestTimeoutMs?: number } = {},
): Promise<void> {
  const server = createServer(answering);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  using _ = withEnv(awsEnv(`http://127.0.0.1:${port}`));
  const config = s3StoreOf('s3://backups/etcd?forcePathStyle=true');
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.on('close', () => {
      open -= 1;
    });
  });
  try {
    await work(new S3Store({ config, cluster: 'prod', signal: never(), ...options }), () => open);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Answers without an end. */
const pouring =
  (status: number, piece: string, everyMs = 0): Answering =>
  (_, answer) => {
    answer.writeHead(status, { 'content-type': 'application/xml', etag: '"1"' });
    answer.on('error', () => undefined);
    Readable.from(pieces(piece, everyMs)).pipe(answer);
  };

async function* pieces(
  piece: string,
  everyMs: number,
  first = '<?xml version="1.0"?><ListBucketResult>',
): AsyncGenerator<string, void> {
  yield first;
  for (;;) {
    if (everyMs > 0) await sleep(everyMs);
    yield piece;
  }
}

/** What the work takes of memory beyond the most there was before, in MiB. */
async function roomOf(work: () => Promise<void>): Promise<number> {
  const before = process.resourceUsage().maxRSS;
  await work();
  return (process.resourceUsage().maxRSS - before) / 1024;
}

const ENTRY = `<Contents><Key>etcd/prod/${'x'.repeat(100_000)}</Key><Size>1</Size></Contents>`;
const long = refusedAs('not-a-store', /more than 8\.0 MiB/);

describe('an answer has a bound', () => {
  test('in bytes: a page, an error, what is said to a write and to a removal', async () => {
    for (const status of [200, 403, 500]) {
      await withServer(pouring(status, ENTRY), async (store, connections) => {
        const room = await roomOf(async () => {
          await assert.rejects(store.list(), long);
          await assert.rejects(store.prepare(), long);
          await assert.rejects(store.remove(NAME), long);
          await assert.rejects(
            store.removeLeftovers(0, () => true),
            long,
          );
          if (status !== 200) await assert.rejects(collect(store.read(NAME)), long);
        });
        assert.ok(room < ROOM_MIB, `${room} MiB`);
        while (connections() > 0) await sleep(5);
      });
    }
  });

  test('in bytes: a text, sent in chunks', async () => {
    await withServer(pouring(200, 'x'.repeat(100_000)), async (store) => {
      await assert.rejects(store.readText(NAME), refusedAs('too-large', /too large for a manifest/));
    });
  });

  test('in what comes before it: interim answers without an end', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(100);
    const answering: Answering = ({ socket }) => {
      socket.on('error', () => undefined);
      Readable.from(pieces(early, 1, early)).pipe(socket);
    };
    await withServer(answering, async (store, connections) => {
      await assert.rejects(store.list(), refusedAs('other', /interim answers \(1xx\) without an end/));
      while (connections() > 0) await sleep(5);
    });
  });

  test('in what the SDK makes of it', async () => {
    for (const [text, words] of [
      ['<a/>'.repeat(2_000_000), /has 2000002 tags/],
      ['<Contents/>'.repeat(700_000), /has 700002 tags/],
      [`<IsTruncated>false</IsTruncated>${'<a>'.repeat(90_000)}`, /cannot be read/], // deeper than the stack
    ] as const) {
      const page = `<ListBucketResult>${text}</ListBucketResult>`;
      await withServer(
        (_, answer) => void answer.end(page),
        async (store) => {
          const room = await roomOf(() => assert.rejects(store.list(), refusedAs('not-a-store', words)));
          assert.ok(room < ROOM_MIB, `${room} MiB`);
        },
      );
    }
  });

  test('in time, also where a byte comes now and then', async () => {
    const slow = refusedAs('unreachable', /it took the server more than 0\.3 s/);
    for (const status of [200, 403]) {
      await withServer(
        pouring(status, ' ', 10),
        async (store, connections) => {
          await assert.rejects(store.list(), slow);
          await assert.rejects(store.remove(NAME), slow);
          if (status === 200) await assert.rejects(collect(store.read(NAME)), slow);
          while (connections() > 0) await sleep(5);
        },
        { requestTimeoutMs: 300 },
      );
    }
    await withServer(
      () => undefined,
      (store) => assert.rejects(store.list(), slow),
      { requestTimeoutMs: 300 },
    );
  });

  test('of an object in what its reader takes: none of it is read ahead', async () => {
    let sent = 0;
    const answering: Answering = (_, answer) => {
      const piece = Buffer.alloc(MIB);
      answer.on('error', () => undefined);
      const more = () => {
        sent += 1;
        return piece;
      };
      Readable.from(
        (function* () {
          for (;;) yield more();
        })(),
        { highWaterMark: 1 },
      ).pipe(answer);
    };
    await withServer(answering, async (store, connections) => {
      let got = 0;
      for await (const piece of store.read(NAME)) {
        got += piece.length;
        if (got > 10 * MIB) break;
      }
      while (connections() > 0) await sleep(5);
      assert.ok(sent < 40, `${sent} MiB were sent`);
    });
  });
});
