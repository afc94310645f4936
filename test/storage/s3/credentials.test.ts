import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import { loadStoreSettings } from '../../../src/config/config.ts';
import { exitCodeOf } from '../../../src/errors.ts';
import type { StoreErrorCode } from '../../../src/storage/errors.ts';
import { S3Store } from '../../../src/storage/s3/store.ts';
import { freePort } from '../../support/free-port.ts';
import { never, refusedAs } from '../../support/file-store.ts';
import { awsEnv, withEnv } from '../../support/s3-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

// Nothing here gets as far as S3. STS and the metadata service are raw servers: there is no real one to be had.

const folder = await scratchFolder('credentials');
after(() => folder[Symbol.asyncDispose]());
const token = join(folder.path, 'token');
await writeFile(token, 'eyJhbGciOi.token');
const NOBODY = 'http://127.0.0.1:1';
const NO_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
const WEB_IDENTITY = {
  ...NO_KEYS,
  AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/etcd-upkeep',
  AWS_WEB_IDENTITY_TOKEN_FILE: token,
};

/** What a store that is opened in this environment says first. */
async function said(env: Record<string, string>): Promise<unknown> {
  using _ = withEnv({ ...awsEnv(NOBODY), ...env });
  const { store } = loadStoreSettings({
    ...process.env,
    BACKUP_STORE: 's3://backups/etcd?forcePathStyle=true',
  });
  assert.ok(store.kind === 's3');
  const error = await new S3Store({ config: store, cluster: 'prod', signal: never() }).prepare().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.doesNotMatch(String(error), /s3:ListBucket|could not list/, 'nothing was asked of the bucket');
  return error;
}

async function server(
  status: number,
  body: string,
): Promise<AsyncDisposable & { url: string; asked: number }> {
  const sent = createServer((_, answer) => {
    handle.asked += 1;
    answer.writeHead(status, { 'content-type': 'text/xml' }).end(body);
  });
  sent.listen(0, '127.0.0.1');
  await once(sent, 'listening');
  const address = sent.address();
  const handle = {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    asked: 0,
    [Symbol.asyncDispose]: async () => {
      sent.close();
      sent.closeAllConnections();
    },
  };
  return handle;
}

/** Answers without an end, whatever it is asked. `left`: until nobody is there any more. */
async function pouring(
  status: number,
): Promise<AsyncDisposable & { url: string; left: () => Promise<void> }> {
  const sent = createServer((_, answer) => {
    answer.on('error', () => undefined);
    answer.writeHead(status);
    Readable.from(same(Buffer.alloc(2 ** 16, '{'))).pipe(answer);
  });
  const open = new Set<Socket>();
  sent.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  sent.listen(0, '127.0.0.1');
  await once(sent, 'listening');
  const address = sent.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    left: async () => {
      while (open.size > 0) await sleep(5);
    },
    [Symbol.asyncDispose]: async () => {
      sent.close();
      sent.closeAllConnections();
    },
  };
}

function* same(piece: Buffer): Generator<Buffer, void> {
  for (;;) yield piece;
}

const refusal = (code: string): string =>
  `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code>` +
  '<Message>as the test wants it</Message></Error><RequestId>1</RequestId></ErrorResponse>';

describe('STS', () => {
  for (const [status, name, code, words] of [
    [
      403,
      'AccessDenied',
      'access',
      /STS lets nobody with this token take on the role of AWS_ROLE_ARN \(AccessDenied, .*trust policy/,
    ],
    [
      400,
      'InvalidIdentityToken',
      'access',
      /does not take the token of AWS_WEB_IDENTITY_TOKEN_FILE.*identity provider/,
    ],
    [400, 'ExpiredTokenException', 'access', /token of AWS_WEB_IDENTITY_TOKEN_FILE.* has expired.*projected/],
    [400, 'IDPCommunicationError', 'unreachable', /does not reach the cluster's identity provider/],
    [
      400,
      'ValidationError',
      'access',
      /gives credentials \(STS.* refused them \(ValidationError.*AWS_ROLE_ARN/,
    ],
    [503, 'ServiceUnavailable', 'unreachable', /gives credentials \(STS.*: the server is in trouble/],
  ] as const satisfies (readonly [number, string, StoreErrorCode, RegExp])[]) {
    test(`that answers ${status} ${name} is not told as the bucket`, async () => {
      await using sts = await server(status, refusal(name));
      const error = await said({ ...WEB_IDENTITY, AWS_ENDPOINT_URL_STS: sts.url });
      refusedAs(code, /^no credentials for the bucket were had, so nothing was asked of it/, words)(error);
      assert.ok(sts.asked > 0);
    });
  }

  test('whose answer has no end', async () => {
    for (const status of [200, 403, 500]) {
      await using sts = await pouring(status);
      const error = await said({ ...WEB_IDENTITY, AWS_ENDPOINT_URL_STS: sts.url });
      refusedAs(
        'unreachable',
        /the answer of the server that gives credentials .* more than 16\.0 MiB/,
      )(error);
      await sts.left();
    }
  });

  test('that nobody serves', async () => {
    const error = await said({
      ...WEB_IDENTITY,
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${await freePort()}`,
    });
    refusedAs('unreachable', /gives credentials \(STS.*could not be reached.*ECONNREFUSED/)(error);
  });
});

describe('credentials', () => {
  test('that no variable and no file names are the configuration, where no server may have any', async () => {
    const error = await said(NO_KEYS);
    assert.equal(exitCodeOf(error), 2);
    assert.match(
      String(error),
      /no credentials were found for the bucket, no variable names any.*AWS_ACCESS_KEY_ID/,
    );
  });

  test('of a profile without any are the configuration, and the variable is named', async () => {
    const config = join(folder.path, 'config');
    await writeFile(config, '[profile empty]\nregion = eu-central-1\n');
    const error = await said({ ...NO_KEYS, AWS_CONFIG_FILE: config, AWS_PROFILE: 'empty' });
    assert.equal(exitCodeOf(error), 2);
    assert.match(String(error), /no credentials were found for the bucket, though AWS_PROFILE is set/);
  });

  test('that the metadata service does not give are no fault of the configuration', async () => {
    await using metadata = await server(404, 'no role');
    const error = await said({
      ...NO_KEYS,
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
    });
    refusedAs('access', /no credentials were found.*metadata service gave none.*AWS_ACCESS_KEY_ID/)(error);
    assert.ok(metadata.asked > 0);
  });

  test('that come without an end, of an agent in the cluster or of the metadata service', async () => {
    await using endless = await pouring(200);
    const agent = { ...NO_KEYS, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endless.url}/role` };
    refusedAs('unreachable', /more than 16\.0 MiB/)(await said(agent));
    const metadata = {
      ...NO_KEYS,
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: endless.url,
    };
    refusedAs('access', /metadata service gave none/)(await said(metadata));
    await endless.left();
  });

  test('that an agent in the cluster does not give are none either, and it is named', async () => {
    await using agent = await server(403, 'no');
    const error = await said({ ...NO_KEYS, AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url });
    refusedAs('access', /no credentials were found.*though AWS_CONTAINER_CREDENTIALS_FULL_URI is set/)(error);
    assert.ok(agent.asked > 0);
  });

  test('a malformed address in the AWS configuration is the configuration', async () => {
    const config = join(folder.path, 'malformed'); // the SDK reads a file of the same name only once
    await writeFile(config, '[default]\nendpoint_url = minio.local:9000\n');
    using _ = withEnv({ ...awsEnv(NOBODY), AWS_CONFIG_FILE: config, AWS_ENDPOINT_URL_S3: undefined });
    const { store } = loadStoreSettings({
      ...process.env,
      BACKUP_STORE: 's3://backups/etcd?forcePathStyle=true',
    });
    assert.ok(store.kind === 's3');
    await assert.rejects(
      new S3Store({ config: store, cluster: 'prod', signal: never() }).prepare(),
      (error: unknown) => {
        assert.equal(exitCodeOf(error), 2, String(error));
        assert.match(String(error), /address of the server is no URL.*endpoint_url/);
        return true;
      },
    );
  });
});
