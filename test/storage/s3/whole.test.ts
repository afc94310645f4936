import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { s3StoreOf } from '../../../src/config/s3-store.ts';
import { clustersIn } from '../../../src/storage/open.ts';
import { never, refusedAs } from '../../support/file-store.ts';
import type { Fault } from '../../support/s3-proxy.ts';
import { BUCKET } from '../../support/s3-server.ts';
import { operations, type S3Place, startPlace } from './place.ts';

/** A page of S3's takes a thousand. */
const NAMES = Array.from({ length: 1_500 }, (_, index) => String(index).padStart(5, '0'));
const YEAR_MS = 365 * 86_400_000;

/** Changes the pages of a listing: the text of each, and how many came before. */
const pages =
  (change: (text: string, count: number) => string, listing = 'ListObjectsV2') =>
  ({ operation, count }: { operation: string; count: number }): Fault | undefined =>
    operation === listing ? { kind: 'change', body: (text) => change(text, count) } : undefined;

const withoutToken = (text: string): string =>
  text.replace(/<NextContinuationToken>.*<\/NextContinuationToken>/s, '');
const truncated = (text: string): string =>
  text.replace('<IsTruncated>false</IsTruncated>', '<IsTruncated>true</IsTruncated>');
const endless = (text: string, count: number): string =>
  truncated(withoutToken(text)).replace(
    '</IsTruncated>',
    `</IsTruncated><NextContinuationToken>${count}</NextContinuationToken>`,
  );

const swapped = (text: string): string => text.replace(/>etcd\/prod\/00007</, '>etcd/prod/_<');
const emptied = (text: string): string => text.replaceAll(/<Contents>.*<\/Contents>/gs, '');
const clusters = () => clustersIn(s3StoreOf(`s3://${BUCKET}/etcd?forcePathStyle=true`), never());

const incomplete = (why: RegExp) =>
  refusedAs(
    'incomplete',
    /could not list s3:\/\/backups\/etcd\/prod\/ as a whole/,
    why,
    /nothing was concluded/,
  );

describe('a list is whole or it is none', () => {
  let place: S3Place;

  before(async () => {
    place = await startPlace();
    for (let from = 0; from < NAMES.length; from += 50) {
      await Promise.all(NAMES.slice(from, from + 50).map((name) => put(`etcd/prod/${name}`)));
    }
    await put('etcd/other/1');
  });
  beforeEach(() => place.proxy.reset());
  after(() => place[Symbol.asyncDispose]());

  const put = (Key: string) =>
    place.server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }));
  const listed = async () => (await place.store.list()).map(({ name }) => name);
  const refuses = (why: RegExp) => assert.rejects(place.store.list(), incomplete(why));

  test('where the server does not say how to go on, and its keys come in order', async () => {
    place.proxy.fail(pages(withoutToken));
    assert.deepEqual(await listed(), NAMES);
    assert.deepEqual(operations(place), ['ListObjectsV2', 'ListObjectsV2']);
  });

  test('where it does not say how to go on, and its keys come in no order', async () => {
    place.proxy.fail(pages((text) => swapped(withoutToken(text))));
    await refuses(/there is more, and does not say how to go on/);
  });

  test('where it does not say how to go on, and begins anew each time', async () => {
    let first = '';
    place.proxy.fail(pages((text) => (first ||= withoutToken(text))));
    await refuses(/does not go on behind "etcd\/prod\/00999"/);
  });

  test('where it says that there is more and has nothing', async () => {
    place.proxy.fail(pages((text) => truncated(emptied(withoutToken(text)))));
    await refuses(/does not say how to go on/);
  });

  test('where it does not say whether it has more', async () => {
    for (const said of [
      '',
      '<IsTruncated/>',
      '<IsTruncated> true </IsTruncated>',
      '<IsTruncated>1</IsTruncated>',
    ]) {
      place.proxy.fail(pages((text) => text.replace(/<IsTruncated>\w+<\/IsTruncated>/, said)));
      await assert.rejects(
        place.store.list(),
        refusedAs('not-a-store', /its list does not say whether there is more/),
      );
    }
  });

  test('where it knows no tokens, and gives the same page a new one each time', async () => {
    place.proxy.fail(pages((text) => endless(text, operations(place).length)));
    await assert.rejects(clusters(), refusedAs('incomplete', /101 pages with nothing new in them/));
  });

  test('where the same page is told of again and again', async () => {
    let first = '';
    place.proxy.fail(pages((text) => (first ||= text)));
    await refuses(/"00000" is in it twice/);
    first = '';
    await assert.rejects(
      place.store.list(() => false),
      incomplete(/back to a page that it gave already/),
    );
  });

  test('where pages with nothing in them have no end', async () => {
    place.proxy.fail(pages((text, count) => endless(emptied(text), count)));
    await assert.rejects(
      place.open({ cluster: 'other' }).list(),
      refusedAs('incomplete', /101 pages with nothing new in them/),
    );
  });

  test('also where the last page has nothing in it, as that of some real servers', async () => {
    const more = '<NextContinuationToken>etcd/prod/01499</NextContinuationToken>';
    place.proxy.fail(
      pages((text, count) => (count === 1 ? truncated(text).replace('</IsTruncated>', `$&${more}`) : text)),
    );
    assert.deepEqual(await listed(), NAMES);
    assert.equal(operations(place).length, 3);
  });

  test('where keys lie elsewhere, as in the answer to another question', async () => {
    place.proxy.fail(pages((text) => text.replaceAll('<Key>etcd/prod/', '<Key>etcd/other/')));
    await refuses(/lies elsewhere/);
  });

  test('where a file has no size, or none that is a number', async () => {
    for (const size of ['', '<Size>many</Size>']) {
      place.proxy.fail(pages((text) => text.replace(/<Size>1<\/Size>/, size)));
      await refuses(/does not tell the size of "00000"/);
    }
  });

  test('where it is cut in the middle', async () => {
    place.proxy.fail(pages((text) => text.slice(0, text.length / 2)));
    await assert.rejects(place.store.list(), refusedAs('not-a-store', /its answer cannot be read/));
  });

  test('and so is that of the clusters', async () => {
    assert.deepEqual(await clusters(), ['other', 'prod']);
    place.proxy.fail(pages((text) => truncated(withoutToken(text))));
    await assert.rejects(clusters(), refusedAs('incomplete'));
    place.proxy.fail(pages((text) => text.replaceAll('<Prefix>etcd/', '<Prefix>elsewhere/')));
    await assert.rejects(clusters(), refusedAs('incomplete', /lies elsewhere/));
  });

  test('and so is that of unfinished uploads, which goes on where the server says', async () => {
    const later = place.open({ now: () => Date.now() + YEAR_MS });
    const begin = (name: string) =>
      place.server.client.send(
        new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: `etcd/prod/${name}` }),
      );
    await begin('one');
    const rest = () => later.removeLeftovers(0, (name) => name === 'never');
    place.proxy.fail(pages(truncated, 'ListMultipartUploads'));
    await assert.rejects(rest(), refusedAs('incomplete', /more unfinished uploads.*how to go on/));
    place.proxy.fail(
      pages(
        (text) =>
          truncated(text)
            .replaceAll(/<Next\w+Marker>[^<]*<\/Next\w+Marker>/g, '')
            .replace('<IsTruncated>', '<NextKeyMarker>etcd/prod/one</NextKeyMarker><IsTruncated>'),
        'ListMultipartUploads',
      ),
    );
    await assert.rejects(rest(), refusedAs('incomplete', /back to a page/));
    place.proxy.reset();
    assert.deepEqual(await later.removeLeftovers(0, (name) => name === 'one'), ['one']);
  });

  test('and keeps nothing in memory of names that are not wanted', async () => {
    assert.deepEqual(
      (await place.store.list((name) => name.startsWith('0000'))).map(({ name }) => name),
      NAMES.slice(0, 10),
    );
  });
});
