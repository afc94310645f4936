import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isBackupFile } from '../../../src/backup/names.ts';
import { clustersIn } from '../../../src/storage/open.ts';
import { s3StoreOf } from '../../../src/config/s3-store.ts';
import { BUCKET } from '../../support/s3-server.ts';
import { KEY, operations, type S3Place, startPlace } from './place.ts';
import { NAME, never, refusedAs } from '../../support/file-store.ts';

describe('a bucket', () => {
  let place: S3Place;

  before(async () => {
    place = await startPlace();
  });
  beforeEach(() => place.proxy.reset());
  after(() => place[Symbol.asyncDispose]());

  const put = (Key: string, Body = 'x') =>
    place.server.client.send(new PutObjectCommand({ Bucket: place.server.bucket, Key, Body }));
  const begin = (Key: string) =>
    place.server.client.send(new CreateMultipartUploadCommand({ Bucket: place.server.bucket, Key }));
  const namesOf = async (cluster: string, prefix?: string) => {
    const store = place.open({ cluster, ...(prefix !== undefined && { prefix }) });
    return (await store.list()).map(({ name }) => name);
  };

  test('with several clusters shows each of them its own', async () => {
    for (const key of ['etcd/a/1', 'etcd/ab/2', 'etcd/a/deeper/3', 'etcd.a/4', 'a/5', 'b/etcd/a/6']) {
      await put(key);
    }
    assert.deepEqual(await namesOf('a'), ['1']);
    assert.deepEqual(await namesOf('ab'), ['2']);
    assert.deepEqual(await namesOf('b'), []);
    assert.deepEqual(await namesOf('a', ''), ['5']);
    await place.open({ cluster: 'a' }).remove('2');
    await place.open({ cluster: 'a' }).remove('1');
    assert.deepEqual(await namesOf('a'), []);
    assert.deepEqual(await namesOf('ab'), ['2']);
  });

  test('names the clusters in it', async () => {
    await put('etcd/prod/1');
    await put('etcd/.hidden/1');
    assert.deepEqual(await clustersBelow('/etcd'), ['a', 'ab', 'prod']);
    assert.deepEqual(await clustersBelow('/b'), ['etcd']);
    assert.deepEqual(await clustersBelow('/none'), []);
    await assert.rejects(
      clustersIn(s3StoreOf('s3://nowhere?forcePathStyle=true'), never()),
      refusedAs('no-store', /no such bucket/),
    );
  });

  test('is listed in pages, at the cost of one request for a thousand', async () => {
    const store = place.open({ cluster: 'many' });
    const names = Array.from({ length: 2_001 }, (_, index) => String(index).padStart(5, '0'));
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => put(`etcd/many/${name}`)));
    }
    assert.deepEqual(
      (await store.list()).map(({ name }) => name),
      names,
    );
    assert.deepEqual(operations(place), ['ListObjectsV2', 'ListObjectsV2', 'ListObjectsV2']);
  });

  test('is left as it was by prepare', async () => {
    const keys = await place.server.keys();
    await place.store.prepare();
    assert.deepEqual(operations(place), ['ListObjectsV2', 'CreateMultipartUpload', 'AbortMultipartUpload']);
    assert.deepEqual(await place.server.keys(), keys);
    assert.deepEqual(await place.server.uploads(), []);
  });

  test('has no bounds that one could run into', async () => {
    assert.equal(await place.store.freeBytes(), undefined);
  });

  test('is cleared of what dead runs of this cluster left', async () => {
    const ours = [KEY, 'etcd/prod/.etcd-upkeep-probe'];
    const others = [
      `etcd/produce/${NAME}`,
      `etcd/${NAME}`,
      'etcd/prod/of-another-tool',
      `etcd/prod/x/${NAME}`,
    ];
    for (const key of [...ours, ...others]) await begin(key);
    assert.deepEqual(await place.store.removeLeftovers(60_000, isBackupFile), []);
    const later = place.open({ now: () => Date.now() + 61_000 });
    assert.deepEqual((await later.removeLeftovers(60_000, isBackupFile)).toSorted(), [
      '.etcd-upkeep-probe',
      NAME,
    ]);
    assert.deepEqual(await place.server.uploads(), others.toSorted());
    await place.server.clear();
  });
});

const clustersBelow = (path: string) =>
  clustersIn(s3StoreOf(`s3://${BUCKET}${path}?forcePathStyle=true`), never());
