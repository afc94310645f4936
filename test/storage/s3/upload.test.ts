import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { KEY, operations, type S3Place, startPlace } from './place.ts';
import { collect, MIB, NAME, refusedAs } from '../../support/file-store.ts';

describe('an upload', () => {
  let place: S3Place;

  before(async () => {
    place = await startPlace();
  });
  beforeEach(async () => {
    place.proxy.reset();
    await place.server.clear();
  });
  after(() => place[Symbol.asyncDispose]());

  async function assertEmpty(): Promise<void> {
    assert.deepEqual(await place.server.keys(), []);
    assert.deepEqual(await place.server.uploads(), []);
  }

  test('is not visible before it is flushed, and whole when it is', async () => {
    const { store, server } = place;
    const pending = await store.create(NAME);
    const pieces = Array.from({ length: 13 }, () => randomBytes(MIB + 7));
    const chunk = Buffer.alloc(MIB + 7);
    for (const piece of pieces) {
      piece.copy(chunk);
      await pending.write(chunk);
      chunk.fill(0); // the caller may use it again
    }
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(await server.uploads(), [KEY]);
    await pending.flush();
    assert.deepEqual(await server.uploads(), []);
    assert.ok((await collect(pending.read())).equals(Buffer.concat(pieces)));
    await pending.publish();
    const [file, ...others] = await store.list();
    assert.deepEqual(others, []);
    assert.equal(file?.name, NAME);
    assert.equal(file.size, 13 * (MIB + 7));
    assert.ok((await collect(store.read(NAME))).equals(Buffer.concat(pieces)));
  });

  for (const [what, bytes, parts] of [
    ['nothing at all', 0, 0],
    ['a little', 11, 0],
    ['just one part', 5 * MIB, 0],
    ['one byte more than a part', 5 * MIB + 1, 2],
    ['two whole parts', 10 * MIB, 2],
    ['more parts than buffers', 31 * MIB, 7],
  ] as const) {
    test(`takes ${what}`, async () => {
      const content = randomBytes(bytes);
      const pending = await place.store.create(NAME);
      await pending.write(content);
      await pending.flush();
      assert.equal(operations(place).filter((name) => name === 'UploadPart').length, parts);
      assert.equal(operations(place).includes('PutObject'), parts === 0);
      assert.ok((await collect(pending.read())).equals(content));
      await pending.discard();
      await assertEmpty();
    });
  }

  test('carries a checksum of each part', async () => {
    const { server, store } = place;
    for (const name of ['small', NAME]) {
      const pending = await store.create(name);
      await pending.write(randomBytes(name === NAME ? 6 * MIB : 10));
      await pending.flush();
      const head = new HeadObjectCommand({
        Bucket: server.bucket,
        Key: `etcd/prod/${name}`,
        ChecksumMode: 'ENABLED',
      });
      const { ChecksumCRC32 } = await server.client.send(head);
      assert.ok(ChecksumCRC32, name);
    }
  });

  test('never replaces another: the first keeps its name and its bytes', async () => {
    const { store, server } = place;
    for (const bytes of [10, 6 * MIB]) {
      const name = `${bytes}`;
      const [first, second] = [await store.create(name), await store.create(name)];
      await first.write(Buffer.alloc(bytes, '1'));
      await second.write(Buffer.alloc(bytes, '2'));
      await first.flush();
      await assert.rejects(second.flush(), refusedAs('taken', /the name is taken/));
      await second.discard();
      assert.ok((await collect(store.read(name))).equals(Buffer.alloc(bytes, '1')));
      assert.deepEqual(await server.uploads(), []);
    }
  });

  test('nor one that appears between the look and the write', async () => {
    const { store, server, proxy } = place;
    for (const bytes of [10, 6 * MIB]) {
      const name = `${bytes}`;
      const taking = bytes === 10 ? 'PutObject' : 'CompleteMultipartUpload';
      const pending = await store.create(name);
      await pending.write(Buffer.alloc(bytes, '2'));
      proxy.fail(async ({ operation }) => {
        if (operation !== taking) return undefined;
        const other = { Bucket: server.bucket, Key: `etcd/prod/${name}`, Body: 'of another' };
        await server.client.send(new PutObjectCommand(other));
        return undefined;
      });
      await assert.rejects(pending.flush(), refusedAs('taken', /its name is taken.*PreconditionFailed/));
      await pending.discard();
      assert.equal((await collect(store.read(name))).toString(), 'of another');
      assert.deepEqual(await server.uploads(), []);
    }
  });

  test('looks for itself where the server ignores the condition', async () => {
    const { store, proxy } = place;
    await store.writeText(NAME, 'first');
    proxy.fail(() => ({ kind: 'without', header: 'if-none-match' }));
    await assert.rejects(store.writeText(NAME, 'second'), refusedAs('taken', /the name is taken/));
    assert.equal(await store.readText(NAME), 'first');
  });

  test('does without the condition where the server refuses to know it', async () => {
    const { store, proxy } = place;
    for (const bytes of [10, 6 * MIB]) {
      const pending = await store.create(`${bytes}`);
      await pending.write(Buffer.alloc(bytes));
      let refused = 0;
      proxy.fail(({ operation }) => {
        if (!/PutObject|Complete/.test(operation) || refused++ > 0) return undefined;
        return { kind: 'answer', status: 501, code: 'NotImplemented' };
      });
      await pending.flush();
      assert.equal(refused, 2);
      assert.equal((await collect(pending.read())).length, bytes);
    }
  });

  test('succeeds when only the answer to its last request is lost', async () => {
    const { store, proxy, server } = place;
    for (const bytes of [10, 6 * MIB]) {
      const pending = await store.create(`${bytes}`);
      await pending.write(Buffer.alloc(bytes, 'x'));
      let lost = 0;
      proxy.fail(({ operation }) =>
        /PutObject|Complete/.test(operation) && lost++ === 0 ? { kind: 'lose-answer' } : undefined,
      );
      await pending.flush();
      assert.equal(lost, 2, 'it was tried again');
      assert.ok((await collect(pending.read())).equals(Buffer.alloc(bytes, 'x')));
      assert.deepEqual(await server.uploads(), []);
      await pending.discard();
    }
    await assertEmpty();
  });

  test('is gone after discard, whatever had come of it, however often', async () => {
    for (const bytes of [0, 10, 6 * MIB, 17 * MIB]) {
      for (const flush of [false, true]) {
        const pending = await place.store.create(NAME);
        await pending.write(Buffer.alloc(bytes));
        if (flush) await pending.flush();
        await pending.discard();
        await pending.discard();
        await assertEmpty();
      }
    }
  });

  test('leaves nothing when the bucket takes no more in the middle', async () => {
    const { store, proxy } = place;
    const pending = await store.create(NAME);
    proxy.fail(({ part }) =>
      part === 3 ? { kind: 'answer', status: 507, code: 'QuotaExceeded' } : undefined,
    );
    await assert.rejects(
      async () => {
        for (let count = 0; count < 40; count += 1) await pending.write(Buffer.alloc(MIB));
        await pending.flush();
      },
      refusedAs('no-space', /no room left/, /keep fewer backups/),
    );
    await pending.discard();
    await assertEmpty();
  });

  test('ends with its signal, also where the server says nothing any more', async () => {
    const { store, proxy } = place;
    const ending = new AbortController();
    const reason = new Error('that is enough');
    const pending = await store.within(ending.signal).create(NAME);
    const held = Promise.withResolvers<void>();
    proxy.fail(({ operation }) => {
      if (operation !== 'UploadPart') return undefined;
      held.resolve();
      return { kind: 'hang' };
    });
    const writing = pending.write(Buffer.alloc(30 * MIB));
    await held.promise;
    ending.abort(reason);
    await assert.rejects(writing, reason);
    await assert.rejects(pending.flush(), reason);
    proxy.reset();
    await pending.discard();
    await assertEmpty();
  });
});
