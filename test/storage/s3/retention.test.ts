import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import { RetainedError } from '../../../src/storage/errors.ts';
import { refusedAs } from '../../support/file-store.ts';
import { type S3Place, startPlace } from './place.ts';

describe('a bucket that locks objects', () => {
  let place: S3Place;
  before(async () => {
    place = await startPlace({ objectLock: true });
  });
  beforeEach(() => place.proxy.reset());
  after(() => place[Symbol.asyncDispose]());

  for (const mode of ['GOVERNANCE', 'COMPLIANCE']) {
    test(`keeps one until its time, in mode ${mode}: no right is asked for`, async () => {
      const store = place.open({ query: `&objectLockMode=${mode}&objectLockUntil=2031-05-01T00:00:00Z` });
      await store.writeText(mode, 'text');
      await assert.rejects(store.remove(mode), (error: unknown) => {
        assert.ok(error instanceof RetainedError);
        assert.deepEqual(error.until, new Date('2031-05-01T00:00:00Z'));
        assert.doesNotMatch(error.message, /s3:DeleteObject|access denied/);
        const words = new RegExp(
          `prod/${mode} is kept by the bucket until 2031-05-01 00:00:00 \\(object lock, ${mode}\\)`,
        );
        return refusedAs('retained', words)(error);
      });
      assert.equal(await store.readText(mode), 'text');
    });
  }

  test('keeps one with a legal hold, without a time', async () => {
    await place.store.writeText('held', 'text');
    const { client, bucket: Bucket } = place.server;
    await client.send(
      new PutObjectLegalHoldCommand({ Bucket, Key: 'etcd/prod/held', LegalHold: { Status: 'ON' } }),
    );
    await assert.rejects(
      place.store.remove('held'),
      refusedAs('retained', /legal hold is on it.*takes the hold off/),
    );
  });

  test('that refuses for another reason, or does not say more, is told as before', async () => {
    await place.store.writeText('plain', 'text');
    place.proxy.fail(({ operation }) =>
      operation === 'DeleteObject' ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined,
    );
    await assert.rejects(
      place.store.remove('plain'),
      refusedAs('access', /allow s3:DeleteObject.*or the bucket keeps it.*s3:GetObjectRetention/),
    );
    place.proxy.fail(() => ({ kind: 'answer', status: 403, code: 'AccessDenied' }));
    await assert.rejects(
      place.store.remove('plain'),
      refusedAs('access', /allow s3:DeleteObject.*or the bucket keeps it.*s3:GetObjectRetention/),
    );
    place.proxy.fail(({ operation }) =>
      operation === 'DeleteObject' ? { kind: 'answer', status: 400, code: 'InvalidRequest' } : undefined,
    );
    await assert.rejects(place.store.remove('plain'), refusedAs('other', /InvalidRequest/));
  });
});
