import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { s3StoreOf } from '../../../src/config/s3-store.ts';
import { clustersIn } from '../../../src/storage/open.ts';
import { collect, MIB, NAME, never, refusedAs } from '../../support/file-store.ts';
import type { Fault } from '../../support/s3-proxy.ts';
import { BUCKET } from '../../support/s3-server.ts';
import { KEY, operations, type S3Place, startPlace } from './place.ts';

/** What a console, a portal or a proxy says to everything. */
const PAGES: Record<string, Extract<Fault, { kind: 'page' }>> = {
  'a web page': { kind: 'page' },
  'a page that is XML': {
    kind: 'page',
    body: '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    headers: { 'content-type': 'application/xhtml+xml' },
  },
  JSON: { kind: 'page', body: '{"status":"ok"}', headers: { 'content-type': 'application/json' } },
  nothing: { kind: 'page', body: '', headers: {} },
  'that there is no such page': { kind: 'page', status: 404 },
};

const foreign = refusedAs('not-a-store', /is not S3/, /AWS_ENDPOINT_URL_S3/);

describe('who answers', () => {
  let place: S3Place;

  before(async () => {
    place = await startPlace();
  });
  beforeEach(async () => {
    place.proxy.reset();
    await place.server.clear();
  });
  after(() => place[Symbol.asyncDispose]());

  const answering = (operation: string, fault: Fault) =>
    place.proxy.fail((request) => (request.operation === operation ? fault : undefined));
  /** An object of somebody else under the name that is written. */
  const putOther = () =>
    place.server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: KEY, Body: 'of another' }));

  for (const [what, page] of Object.entries(PAGES)) {
    test(`everything with ${what} has no backups to be seen, nor none`, async () => {
      const { store, proxy } = place;
      proxy.fail(() => page);
      await assert.rejects(store.list(), foreign);
      await assert.rejects(store.prepare(), foreign);
      await assert.rejects(
        store.removeLeftovers(0, () => true),
        foreign,
      );
      await assert.rejects(clustersIn(s3StoreOf(`s3://${BUCKET}?forcePathStyle=true`), never()), foreign);
    });

    test(`the begin of an upload with ${what} gets no request that deletes what is there`, async () => {
      const { server, store } = place;
      await putOther();
      answering('CreateMultipartUpload', page);
      const pending = await store.create(NAME);
      await assert.rejects(pending.write(Buffer.alloc(6 * MIB)), foreign);
      await pending.discard();
      await assert.rejects(store.prepare(), foreign);
      assert.ok(!operations(place).includes('DeleteObject'));
      assert.deepEqual(await server.keys(), [KEY]);
    });

    for (const [operation, bytes] of [
      ['PutObject', 10],
      ['UploadPart', 6 * MIB],
      ['CompleteMultipartUpload', 6 * MIB],
    ] as const) {
      if (page.body === '' && operation === 'CompleteMultipartUpload') continue; // S3 does, and is asked again
      test(`${operation} with ${what} has stored nothing`, async () => {
        const { server, store } = place;
        answering(operation, page);
        const pending = await store.create(NAME);
        await assert.rejects(async () => {
          await pending.write(Buffer.alloc(bytes));
          await pending.flush();
        }, foreign);
        await pending.discard();
        assert.deepEqual(await server.keys(), []);
        assert.deepEqual(await server.uploads(), []);
      });
    }
  }

  test('the begin of an upload without its ID gets no request that deletes what is there', async () => {
    const { server, store, proxy } = place;
    await store.writeText('.etcd-upkeep-probe', 'of another');
    for (const id of ['', '<UploadId></UploadId>', '<UploadId> </UploadId>']) {
      proxy.fail(({ operation }) =>
        operation === 'CreateMultipartUpload'
          ? { kind: 'change', body: (text) => text.replace(/<UploadId>.*<\/UploadId>/, id) }
          : undefined,
      );
      await assert.rejects(store.prepare(), refusedAs('not-a-store', /gave it no ID/));
    }
    assert.ok(!operations(place).includes('DeleteObject'));
    assert.deepEqual(await server.keys(), ['etcd/prod/.etcd-upkeep-probe']);
  });

  test('an upload that is listed without its ID is let alone, and so is what has its name', async () => {
    const { server, store, proxy } = place;
    const pending = await store.create(NAME);
    await pending.write(Buffer.alloc(6 * MIB));
    await putOther();
    for (const id of ['', '<UploadId></UploadId>']) {
      proxy.fail(({ operation }) =>
        operation === 'ListMultipartUploads'
          ? { kind: 'change', body: (text) => text.replace(/<UploadId>.*<\/UploadId>/, id) }
          : undefined,
      );
      const later = place.open({ now: () => Date.now() + 100_000 });
      assert.deepEqual(await later.removeLeftovers(0, () => true), []);
    }
    proxy.reset();
    assert.deepEqual(await server.keys(), [KEY]);
    await pending.discard();
  });

  test('reading with a web page has read nothing, and knows nothing of what is there', async () => {
    const { store } = place;
    await store.writeText(NAME, '{}');
    for (const status of [200, 404]) {
      answering('GetObject', { kind: 'page', status });
      await assert.rejects(collect(store.read(NAME)), foreign);
      await assert.rejects(store.readText(NAME), foreign);
    }
    answering('HeadObject', { kind: 'page' });
    await assert.rejects(store.writeText('other', '{}'), foreign);
  });

  test('a removal with a web page has removed nothing', async () => {
    const { store, server } = place;
    await store.writeText(NAME, '{}');
    for (const status of [200, 404]) {
      answering('DeleteObject', { kind: 'page', status });
      await assert.rejects(store.remove(NAME), foreign);
    }
    assert.deepEqual(await server.keys(), [KEY]);
  });

  test('a part without an ETag is not stored; a whole object is looked for then, and found', async () => {
    const { store, server } = place;
    answering('UploadPart', { kind: 'change', headers: { etag: undefined } });
    const pending = await store.create(NAME);
    await assert.rejects(pending.write(Buffer.alloc(21 * MIB)), refusedAs('not-a-store', /no ETag/));
    await pending.discard();
    assert.deepEqual(await server.uploads(), []);
    answering('PutObject', { kind: 'change', headers: { etag: undefined } });
    await store.writeText(NAME, '{}');
    assert.equal(await store.readText(NAME), '{}');
  });

  test('a completion with an error behind its 200 is no success', async () => {
    for (const end of ['', '\n']) {
      const body = `\n\n<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>${end}`;
      answering('CompleteMultipartUpload', {
        kind: 'page',
        body,
        headers: { 'content-type': 'application/xml' },
      });
      const pending = await place.store.create(NAME);
      await pending.write(Buffer.alloc(6 * MIB));
      await assert.rejects(pending.flush(), refusedAs('unreachable', /InternalError/));
      await pending.discard();
      assert.deepEqual(await place.server.uploads(), []);
    }
  });
});
