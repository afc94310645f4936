import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { loadStoreSettings } from '../../../src/config/config.ts';
import type { StoreErrorCode } from '../../../src/storage/errors.ts';
import { S3Store } from '../../../src/storage/s3/store.ts';
import { NAME, never, refusedAs } from '../../support/file-store.ts';
import type { Fault } from '../../support/s3-proxy.ts';
import { type CertificateOptions, createAuthority } from '../../support/pki.ts';
import { startS3, withEnv } from '../../support/s3-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { type S3Place, startPlace } from './place.ts';

/** A store as a command opens it: by what the environment says. */
function open(): S3Store {
  const { store } = loadStoreSettings({
    ...process.env,
    BACKUP_STORE: 's3://backups/etcd?forcePathStyle=true',
  });
  assert.ok(store.kind === 's3');
  return new S3Store({ config: store, cluster: 'prod', signal: never() });
}

const NGINX =
  '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n' +
  '<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';

const HTML = { 'content-type': 'text/html' };
const page = (
  status: number,
  body = '<html><p>no</html>',
  headers: Record<string, string> = HTML,
): Fault => ({
  kind: 'page',
  status,
  body,
  headers,
});

describe('an answer that is not in the words of S3', () => {
  let place: S3Place;
  before(async () => {
    place = await startPlace();
  });
  beforeEach(() => place.proxy.reset());
  after(() => place[Symbol.asyncDispose]());

  const cases: [string, Fault, StoreErrorCode, RegExp, RegExp?][] = [
    [
      '413 of an ingress',
      page(413, NGINX),
      'too-large',
      /takes no request so large \(HTTP 413, text\/html instead of XML\).*client_max_body_size/,
    ],
    ['413 without a body', page(413, ''), 'too-large', /takes no request so large \(HTTP 413/],
    ['405 of a web server', page(405), 'not-a-store', /is not S3 \(HTTP 405.*AWS_ENDPOINT_URL_S3/],
    [
      '403 in JSON',
      page(403, '{"message":"no"}', { 'content-type': 'application/json' }),
      'access',
      /access denied \(HTTP 403, application\/json.*an ingress before the server/,
    ],
    [
      '407 of a proxy',
      page(407, 'who are you', { 'content-type': 'text/plain' }),
      'access',
      /the proxy on the way wants a user.*HTTP_PROXY/,
    ],
    [
      '502 of an ingress',
      page(502, '<html>bad gateway'),
      'unreachable',
      /the server is in trouble \(HTTP 502.*tried 9 times/,
    ],
    ['504 of an ingress', page(504, '<html>time-out'), 'unreachable', /the server is in trouble \(HTTP 504/],
    [
      '404 of an ingress',
      page(404, '<html>no such page'),
      'not-a-store',
      /is not S3, its 404 is not one of S3.*AWS_ENDPOINT_URL_S3/,
    ],
    [
      '200 of a console',
      page(200, '<!doctype html><meta charset="utf-8"><p>Welcome & hello'),
      'not-a-store',
      /is not S3, its answer is no ListBucketResult/,
    ],
    [
      'a redirect of an ingress',
      page(308, '<html>moved', { location: 'https://s3.elsewhere.example/backups?X-Amz-Signature=abc' }),
      'other',
      /it is sent on to s3\.elsewhere\.example, which is not followed \(HTTP 308.*AWS_ENDPOINT_URL_S3/,
      /Signature|\/backups\?/,
    ],
    [
      'a redirect to another path',
      page(301, '', { location: '/login' }),
      'other',
      /sent on to another place/,
    ],
    [
      'a redirect of S3 to another region, without its words',
      page(301, '', { 'x-amz-bucket-region': 'eu-central-1' }),
      'other',
      /in another region.*AWS_REGION=eu-central-1/,
    ],
  ];
  for (const [name, fault, code, words, never_ = /XML parse|Deserialization|\$response/] of cases) {
    test(name, async () => {
      place.proxy.fail(() => fault);
      await assert.rejects(open().prepare(), (error: unknown) => {
        assert.doesNotMatch(String(error), never_);
        return refusedAs(code, words)(error);
      });
    });
  }

  test('501, for the checksums of the SDK: with the variable that helps, and with that it works', async () => {
    place.proxy.fail(({ headers }) =>
      'x-amz-sdk-checksum-algorithm' in headers ||
      'x-amz-checksum-crc32' in headers ||
      'x-amz-checksum-algorithm' in headers
        ? {
            kind: 'answer',
            status: 501,
            code: 'NotImplemented',
            message: 'a header implies what is not there',
          }
        : undefined,
    );
    const helps =
      /does not know something.*NotImplemented.*AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED.*R2/;
    await assert.rejects(open().prepare(), refusedAs('not-implemented', helps));
    await assert.rejects(open().writeText('text', 'x'), refusedAs('not-implemented', helps));
    using _ = withEnv({ AWS_REQUEST_CHECKSUM_CALCULATION: 'WHEN_REQUIRED' });
    await open().prepare();
    await open().writeText('text', 'x');
    const pending = await open().create(NAME);
    await pending.write(Buffer.alloc(6 * 2 ** 20));
    await pending.flush();
    assert.equal((await open().list()).length, 2);
  });

  test('501 for a listing, which has no checksums: they are not blamed', async () => {
    place.proxy.fail(({ operation }) =>
      operation === 'ListObjectsV2'
        ? { kind: 'answer', status: 501, code: 'NotImplemented', message: '' }
        : undefined,
    );
    await assert.rejects(open().list(), (error: unknown) => {
      assert.doesNotMatch(String(error), /checksum/i);
      return refusedAs('not-implemented', /does not know this request/)(error);
    });
  });

  test('400 for a header that a server does not know: the variable is named', async () => {
    place.proxy.fail(({ operation }) =>
      operation === 'CreateMultipartUpload'
        ? { kind: 'answer', status: 400, code: 'InvalidArgument', message: 'Unsupported header' }
        : undefined,
    );
    await assert.rejects(
      open().prepare(),
      refusedAs('other', /InvalidArgument.*AWS_REQUEST_CHECKSUM_CALCULATION/),
    );
  });
});

describe('a certificate of the server that is of its CA', () => {
  const wrong: [string, Partial<CertificateOptions>, RegExp][] = [
    ['and has expired', { validity: 'expired' }, /certificate has expired.*renew it/],
    ['and is not valid yet', { validity: 'not-yet-valid' }, /not valid yet.*clock/],
    ['and has other names', { hosts: ['s3.test'] }, /has another name.*AWS_ENDPOINT_URL_S3.*forcePathStyle/],
  ];
  for (const [what, options, words] of wrong) {
    test(`${what}: nobody is sent to look for the CA`, async () => {
      await using folder = await scratchFolder('pki');
      const authority = await createAuthority(folder.path);
      await using server = await startS3({ tls: await authority.server({ name: 's3', ...options }) });
      using _ = withEnv({ ...server.env(), AWS_CA_BUNDLE: authority.ca });
      await assert.rejects(open().prepare(), (error: unknown) => {
        assert.doesNotMatch(String(error), /AWS_CA_BUNDLE/);
        return refusedAs('unreachable', words)(error);
      });
    });
  }
});
