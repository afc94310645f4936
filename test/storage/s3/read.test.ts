import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type S3Place, startPlace } from './place.ts';
import { collect, MIB, NAME, refusedAs } from '../../support/file-store.ts';

describe('reading', () => {
  let place: S3Place;
  const content = randomBytes(6 * MIB + 3);

  before(async () => {
    place = await startPlace();
    const pending = await place.store.create(NAME);
    await pending.write(content);
    await pending.flush();
  });
  beforeEach(() => place.proxy.reset());
  after(() => place[Symbol.asyncDispose]());

  const gets = () => place.proxy.requests.filter(({ operation }) => operation === 'GetObject');

  test('takes one request where nothing happens', async () => {
    assert.ok((await collect(place.store.read(NAME))).equals(content));
    assert.equal(gets().length, 1);
  });

  test('goes on at the byte where the connection broke', async () => {
    place.proxy.fail(({ operation, count }) =>
      operation === 'GetObject' && count < 3 ? { kind: 'cut', at: 1_500_000 } : undefined,
    );
    assert.ok((await collect(place.store.read(NAME))).equals(content));
    assert.equal(gets().length, 4);
    const from = gets().map(({ range }) => Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0));
    assert.deepEqual(
      from,
      from.toSorted((a, b) => a - b),
    );
    assert.ok((from[1] ?? 0) > 0);
  });

  test('gives up where it gets no further', async () => {
    place.proxy.fail(({ operation }) => (operation === 'GetObject' ? { kind: 'cut', at: 10 } : undefined));
    await assert.rejects(
      collect(place.store.read(NAME)),
      refusedAs('unreachable', /could not read s3:\/\/backups\/etcd\/prod\/2026.*connection broke/),
    );
    assert.equal(gets().length, 6);
  });

  test('does not go on in another object of that name', async () => {
    const { server, store, proxy } = place;
    const key = { Bucket: server.bucket, Key: 'etcd/prod/changing' };
    await server.client.send(new PutObjectCommand({ ...key, Body: content }));
    proxy.fail(async ({ operation, count }) => {
      if (operation !== 'GetObject' || count > 0) return undefined;
      setTimeout(() => void server.client.send(new PutObjectCommand({ ...key, Body: 'other' })), 50);
      return { kind: 'cut', at: MIB };
    });
    await assert.rejects(collect(store.read('changing')), refusedAs('changed', /it is not as it was/));
    await store.remove('changing');
  });

  test('asks again after an error of the server', async () => {
    place.proxy.fail(({ operation, count }) =>
      operation === 'GetObject' && count < 2 ? { kind: 'answer', status: 503, code: 'SlowDown' } : undefined,
    );
    assert.ok((await collect(place.store.read(NAME))).equals(content));
  });

  test('tells what was changed there', async () => {
    place.proxy.fail(({ operation }) => (operation === 'GetObject' ? { kind: 'flip', at: 12 } : undefined));
    const found = await collect(place.store.read(NAME));
    assert.equal(found.length, content.length);
    assert.ok(!found.equals(content));
  });

  test('a text that was written differently is not published', async () => {
    const { store, proxy, server } = place;
    proxy.fail(({ operation }) => (operation === 'GetObject' ? { kind: 'flip', at: 0 } : undefined));
    await assert.rejects(
      store.writeText('text.json', '{}'),
      refusedAs('damaged', /text\.json reads back differently/, /cannot be trusted/),
    );
    assert.ok(!(await server.keys()).includes('etcd/prod/text.json'));
  });
});
