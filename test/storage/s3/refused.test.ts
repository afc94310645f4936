import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { ACCESS_KEY, awsEnv, SECRET_KEY, startS3, withEnv } from '../../support/s3-server.ts';
import { createAuthority } from '../../support/pki.ts';
import { freePort } from '../../support/free-port.ts';
import { exitCodeOf } from '../../../src/errors.ts';
import type { StoreErrorCode } from '../../../src/storage/errors.ts';
import { S3Store } from '../../../src/storage/s3/store.ts';
import { s3StoreOf } from '../../../src/config/s3-store.ts';
import { type S3Place, startPlace } from './place.ts';
import { NAME, never, refusedAs } from '../../support/file-store.ts';

const open = (url = 's3://backups/etcd?forcePathStyle=true') =>
  new S3Store({ config: s3StoreOf(url), cluster: 'prod', signal: never() });

/** Checks the code and the words, and that nothing of the credentials is among them. */
const says = (code: StoreErrorCode, ...words: RegExp[]) => {
  const fits = refusedAs(code, ...words);
  return (error: unknown): true => {
    for (const secret of [ACCESS_KEY, SECRET_KEY]) assert.ok(!String(error).includes(secret), String(error));
    return fits(error);
  };
};

describe('a server that refuses', () => {
  let place: S3Place;

  before(async () => {
    place = await startPlace();
  });
  beforeEach(() => place.proxy.reset());
  after(() => place[Symbol.asyncDispose]());

  test('because there is no such bucket', async () => {
    await assert.rejects(
      open('s3://elsewhere?forcePathStyle=true').prepare(),
      says(
        'no-store',
        /could not list s3:\/\/elsewhere\/prod\/: there is no such bucket/,
        /create it, or correct/,
      ),
    );
  });

  test('because of the secret key, or the access key', async () => {
    using _ = withEnv({ AWS_SECRET_ACCESS_KEY: 'wrong' });
    await assert.rejects(
      open().prepare(),
      says('access', /the secret key does not fit/, /AWS_SECRET_ACCESS_KEY/),
    );
    using __ = withEnv({ AWS_ACCESS_KEY_ID: 'AKIAWRONGWRONGWRONG1' });
    await assert.rejects(open().prepare(), says('access', /does not know the access key/));
  });

  for (const [operation, needs] of [
    ['ListObjectsV2', /allow s3:ListBucket on arn:aws:s3:::backups to/],
    ['CreateMultipartUpload', /allow s3:PutObject on arn:aws:s3:::backups\/etcd\/prod\/\* to/],
    ['AbortMultipartUpload', /allow s3:AbortMultipartUpload on arn:aws:s3:::backups\/etcd\/prod\/\* to/],
  ] as const) {
    test(`${operation}, so that an operator knows what to allow`, async () => {
      place.proxy.fail((request) =>
        request.operation === operation
          ? { kind: 'answer', status: 403, code: 'AccessDenied', message: `${ACCESS_KEY} may not` }
          : undefined,
      );
      await assert.rejects(
        open().prepare(),
        says('access', /access denied \(AccessDenied, \*\*\* may not\)/, needs),
      );
    });
  }

  test('a single file, at each of the requests for it', async () => {
    for (const [operation, needs] of [
      ['HeadObject', /s3:GetObject/],
      ['PutObject', /s3:PutObject/],
      ['GetObject', /s3:GetObject/],
    ] as const) {
      place.proxy.fail((request) =>
        request.operation === operation ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined,
      );
      await assert.rejects(open().writeText('text', 'x'), says('access', /access denied/, needs));
      place.proxy.reset();
      await open().remove('text');
    }
    place.proxy.fail(() => ({ kind: 'answer', status: 403, code: 'AccessDenied' }));
    await assert.rejects(open().remove('x'), says('access', /access denied/, /s3:DeleteObject/));
    await assert.rejects(
      open().removeLeftovers(0, () => true),
      says('access', /access denied/, /s3:ListBucketMultipartUploads/),
    );
  });

  for (const [status, name, code, words] of [
    [403, 'RequestTimeTooSkewed', 'other', /clock and the server's are too far apart.*NTP/],
    [400, 'ExpiredToken', 'access', /session token has expired/],
    [301, 'PermanentRedirect', 'other', /in another region.*AWS_REGION=eu-central-1/],
    [400, 'AuthorizationHeaderMalformed', 'other', /in another region.*AWS_REGION=eu-central-1/],
    [507, 'XMinioStorageFull', 'no-space', /no room left/],
    [400, 'KMS.DisabledException', 'other', /KMS key cannot be used/],
    [404, 'ObjectLockConfigurationNotFoundError', 'other', /bucket has no object lock/],
    [503, 'SlowDown', 'unreachable', /the server is in trouble.*tried 9 times/],
    [500, 'InternalError', 'unreachable', /the server is in trouble.*tried 9 times/],
    [400, 'SomethingNew', 'other', /SomethingNew, as the test wants it.*look up the error/],
  ] as const) {
    test(`with ${status} ${name}`, async () => {
      const headers = { 'x-amz-bucket-region': 'eu-central-1' };
      place.proxy.fail(() => ({ kind: 'answer', status, code: name, headers }));
      await assert.rejects(open().prepare(), says(code, words));
    });
  }

  test('for a while is asked again', async () => {
    place.proxy.fail(({ count }) =>
      count < 3 ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined,
    );
    await open().prepare();
    place.proxy.fail(({ count }) => (count < 6 ? { kind: 'reset' } : undefined));
    await open().prepare();
  });
});

describe('an endpoint', () => {
  test('where nothing listens', async () => {
    using _ = withEnv(awsEnv(`http://127.0.0.1:${await freePort()}`));
    await assert.rejects(
      open().prepare(),
      says('unreachable', /could not be reached.*ECONNREFUSED.*AWS_ENDPOINT_URL_S3/),
    );
  });

  test('whose name nobody knows', async () => {
    using _ = withEnv(awsEnv('http://no-such-host.invalid'));
    await assert.rejects(
      open('s3://backups/etcd').prepare(),
      says('unreachable', /name is not known|DNS did not tell/, /DNS/),
    );
  });

  test('that is no S3 server', async () => {
    const server = createServer((_, answer) => answer.end('<html><p>Welcome & hello</html>'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    using _ = withEnv(awsEnv(`http://127.0.0.1:${port}`));
    await assert.rejects(open().prepare(), says('not-a-store', /could not list.*is not S3/));
    server.close();
    server.closeAllConnections();
  });

  test('without credentials, or without a region', async () => {
    using _ = withEnv(awsEnv('http://127.0.0.1:1', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }));
    await assert.rejects(open().prepare(), says('access', /no credentials were found/, /AWS_ACCESS_KEY_ID/));
    for (const AWS_REGION of ['', undefined]) {
      using __ = withEnv({ ...awsEnv('http://127.0.0.1:1'), AWS_REGION });
      await assert.rejects(open().prepare(), (error: unknown) => {
        assert.equal(exitCodeOf(error), 2);
        assert.match(String(error), /no region is set.*AWS_REGION/);
        return true;
      });
    }
  });

  test('with TLS is trusted by its CA only, and by its name', async () => {
    await using folder = await scratchFolder('pki');
    const authority = await createAuthority(folder.path);
    await using server = await startS3({ tls: await authority.server({ name: 's3' }) });
    using _ = withEnv(server.env());
    await assert.rejects(
      open().prepare(),
      says('unreachable', /certificate is not trusted.*NODE_EXTRA_CA_CERTS/),
    );
    using __ = withEnv(awsEnv(server.url.replace('https', 'http')));
    await assert.rejects(open().prepare(), says('unreachable', /could not list/));
    using ___ = withEnv(awsEnv((await httpServer()).replace('http', 'https')));
    await assert.rejects(open().prepare(), says('unreachable', /TLS was not spoken/));
  });
});

describe('the settings of a store', () => {
  test('go with every object, in one piece and in parts', async () => {
    await using place = await startPlace();
    const store = place.open({ query: '&tag.team=infra&tag.a%20b=c%2Bd' });
    for (const bytes of [1, 6 * 2 ** 20]) {
      const pending = await store.create(`${NAME}.${bytes}`);
      await pending.write(Buffer.alloc(bytes));
      await pending.flush();
    }
    const { GetObjectTaggingCommand } = await import('@aws-sdk/client-s3');
    for (const { name } of await store.list()) {
      const { TagSet } = await place.server.client.send(
        new GetObjectTaggingCommand({ Bucket: place.server.bucket, Key: `etcd/prod/${name}` }),
      );
      const tags = Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
      assert.deepEqual(tags, { team: 'infra', 'a b': 'c+d' });
    }
  });

  test('lock objects where the bucket can, also in parts', async () => {
    await using place = await startPlace({ versioning: true });
    const store = place.open({ query: '&objectLockMode=GOVERNANCE&objectLockDays=3' });
    await store.prepare();
    const { GetObjectRetentionCommand } = await import('@aws-sdk/client-s3');
    for (const bytes of [1, 6 * 2 ** 20]) {
      const pending = await store.create(`${NAME}.${bytes}`);
      await pending.write(Buffer.alloc(bytes));
      await pending.flush();
      const { Retention } = await place.server.client.send(
        new GetObjectRetentionCommand({ Bucket: place.server.bucket, Key: `etcd/prod/${NAME}.${bytes}` }),
      );
      assert.equal(Retention?.Mode, 'GOVERNANCE');
      const days = ((Retention.RetainUntilDate?.getTime() ?? 0) - Date.now()) / 86_400_000;
      assert.ok(days > 2.9 && days <= 3, `${days} days`);
    }
  });
});

async function httpServer(): Promise<string> {
  const server = createServer((_, answer) => answer.end('plain'));
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
