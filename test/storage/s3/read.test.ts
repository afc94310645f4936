import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type S3Place, startPlace } from './place.ts';
import { collect, MIB, NAME, refusedAs } from '../../support/file-store.ts';
import type { Fault, S3Request } from '../../support/s3-proxy.ts';

const chunked = ({ operation }: S3Request): Fault | undefined =>
  operation === 'GetObject' ? { kind: 'change', headers: { 'content-length': undefined } } : undefined;

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

  test('needs no length: a body in chunks is over where it ends', async () => {
    place.proxy.fail(chunked);
    assert.ok((await collect(place.store.read(NAME))).equals(content));
    assert.equal(gets().length, 1);
    await place.store.writeText('chunked.json', '{}');
    assert.equal(await place.store.readText('chunked.json'), '{}');
    await place.store.remove('chunked.json');
  });

  test('of a body in chunks goes on where it broke', async () => {
    place.proxy.fail((request) =>
      request.operation === 'GetObject' && request.count === 0
        ? { kind: 'cut', at: 1_500_000, headers: { 'content-length': undefined } }
        : chunked(request),
    );
    assert.ok((await collect(place.store.read(NAME))).equals(content));
    assert.equal(gets().length, 2);
  });

  for (const [what, headers, words] of [
    ['is a part, though all was asked for', { 'content-range': 'bytes 0-9/10' }, /contradicts itself/],
    [
      'begins elsewhere',
      { 'content-range': `bytes 7-${content.length}/${content.length + 1}` },
      /knows no ranges/,
    ],
    ['says what nobody can read', { 'content-range': 'all of it' }, /knows no ranges/],
  ] as const) {
    test(`refuses an answer that ${what}`, async () => {
      place.proxy.fail(() => ({ kind: 'change', headers }));
      await assert.rejects(collect(place.store.read(NAME)), refusedAs('other', words, /not how S3 answers/));
    });
  }

  for (const [what, headers, words] of [
    ['of another length', { 'content-range': 'bytes 1500000-6291458/7000000' }, /contradicts/],
    ['of another object', { etag: '"another"' }, /of another object/],
    ['of the beginning', { 'content-range': undefined }, /knows no ranges/],
  ] as const) {
    test(`does not go on with an answer ${what}`, async () => {
      place.proxy.fail(({ operation, count }) => {
        if (operation !== 'GetObject') return undefined;
        return count === 0 ? { kind: 'cut', at: 1_500_000 } : { kind: 'change', headers };
      });
      await assert.rejects(collect(place.store.read(NAME)), refusedAs('other', words));
    });
  }

  test('back stops where more comes than was written', async () => {
    const pending = await place.store.create('longer');
    await pending.write(Buffer.from('short'));
    await pending.flush();
    place.proxy.fail(() => ({ kind: 'change', body: (text) => `${text}${'x'.repeat(MIB)}` }));
    await assert.rejects(collect(pending.read()), refusedAs('damaged', /longer than what was written/));
    place.proxy.reset();
    await pending.discard();
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
