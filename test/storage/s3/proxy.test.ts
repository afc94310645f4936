import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadStoreSettings } from '../../../src/config/config.ts';
import { S3Store } from '../../../src/storage/s3/store.ts';
import { NAME, never, refusedAs } from '../../support/file-store.ts';
import { freePort } from '../../support/free-port.ts';
import { inPieces, PROXY_PASSWORD, startHttpProxy, withoutEnd } from '../../support/http-proxy.ts';
import { createAuthority } from '../../support/pki.ts';
import { awsEnv, type S3Server, startS3, withEnv } from '../../support/s3-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const folder = await scratchFolder('proxy');
const authority = await createAuthority(folder.path);
const plain = await startS3();
const secure = await startS3({ tls: await authority.server({ name: 's3', hosts: ['s3.test'] }) });
after(async () => {
  await plain[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** By a name that only the proxy knows. */
const named = ({ url }: S3Server): string => url.replace('127.0.0.1', 's3.test');

async function withStore(env: Record<string, string>, use: (store: S3Store) => Promise<void>): Promise<void> {
  using _ = withEnv(env);
  const { store } = loadStoreSettings({
    ...process.env,
    BACKUP_STORE: 's3://backups/etcd?forcePathStyle=true',
  });
  assert.ok(store.kind === 's3');
  await use(new S3Store({ config: store, cluster: 'prod', signal: never() }));
}

const writes = async (store: S3Store): Promise<void> => {
  await store.prepare();
  const pending = await store.create(NAME);
  await pending.write(Buffer.alloc(6 * 2 ** 20));
  await pending.flush();
  assert.equal((await store.list()).length, 1);
  await store.remove(NAME);
};

describe('a store behind a proxy', () => {
  test('over http, with a password', async () => {
    await using proxy = await startHttpProxy({ auth: true });
    await withStore(awsEnv(named(plain), { HTTP_PROXY: proxy.url }), writes);
    assert.ok(proxy.asked.every((asked) => / http:\/\/s3\.test:\d+\/backups/.test(asked)));
    assert.ok(proxy.asked.length > 3);
  });

  test('over https, whose CA AWS_CA_BUNDLE names', async () => {
    await using proxy = await startHttpProxy({ auth: true });
    const env = awsEnv(named(secure), { https_proxy: proxy.url, AWS_CA_BUNDLE: authority.ca });
    await withStore(env, writes);
    assert.match(proxy.asked[0] ?? '', /^CONNECT s3\.test:\d+$/);
    await withStore({ ...env, AWS_CA_BUNDLE: '' }, (store) =>
      assert.rejects(store.prepare(), refusedAs('unreachable', /certificate is not trusted.*AWS_CA_BUNDLE/)),
    );
  });

  test('over https, which opens the way byte by byte', async () => {
    await using proxy = await startHttpProxy({ opens: inPieces });
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on('warning', listen);
    await withStore(awsEnv(named(secure), { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: authority.ca }), writes);
    process.off('warning', listen);
    assert.deepEqual(warnings, []);
  });

  test('over https, whose answer has no end', async () => {
    await using proxy = await startHttpProxy({ opens: withoutEnd });
    await withStore(awsEnv(named(secure), { HTTPS_PROXY: proxy.url }), (store) =>
      assert.rejects(store.prepare(), refusedAs('unreachable', /proxy of HTTPS_PROXY did not open the way/)),
    );
  });

  test('is reached without it where NO_PROXY says so, and on loopback always', async () => {
    const env = { HTTP_PROXY: `http://127.0.0.1:${await freePort()}` };
    await withStore(awsEnv(plain.url, env), writes);
    await withStore(awsEnv('http://s3.invalid', { ...env, NO_PROXY: 'invalid' }), (store) =>
      assert.rejects(store.prepare(), refusedAs('unreachable', /name is not known|DNS did not tell/)),
    );
  });

  for (const [scheme, server, variable] of [
    ['http', plain, 'HTTP_PROXY'],
    ['https', secure, 'HTTPS_PROXY'],
  ] as const) {
    test(`over ${scheme} that nobody serves, or does not know the password: the proxy is named`, async () => {
      const base = { AWS_CA_BUNDLE: authority.ca };
      const dead = {
        ...base,
        [variable]: `http://me:${encodeURIComponent(PROXY_PASSWORD)}@127.0.0.1:${await freePort()}`,
      };
      await withStore(awsEnv(named(server), dead), (store) =>
        assert.rejects(store.prepare(), (error: unknown) => {
          assert.ok(!String(error).includes('pass'), String(error));
          return refusedAs(
            'unreachable',
            new RegExp(
              `could not list s3://backups/.*the proxy of ${variable} could not be reached \\(ECONNREFUSED\\).*NO_PROXY`,
            ),
          )(error);
        }),
      );
      const nameless = { ...base, [variable]: 'http://proxy.invalid:3128' };
      await withStore(awsEnv(named(server), nameless), (store) =>
        assert.rejects(
          store.prepare(),
          refusedAs('unreachable', new RegExp(`the proxy of ${variable} could not be reached`)),
        ),
      );
      await using proxy = await startHttpProxy({ auth: true });
      const wrong = { ...base, [variable]: proxy.url.replace('me:', 'you:') };
      await withStore(awsEnv(named(server), wrong), (store) =>
        assert.rejects(store.prepare(), (error: unknown) => {
          assert.ok(!String(error).includes('pass%2F'), String(error));
          assert.match(String(error), /proxy .*(wants a user and a password).*407/);
          return true;
        }),
      );
    });
  }

  test('is asked for by STS, too, and the metadata of this machine is not', async () => {
    await using proxy = await startHttpProxy();
    const token = join(folder.path, 'token');
    await writeFile(token, 'x.y');
    const keys = {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      HTTP_PROXY: proxy.url,
      HTTPS_PROXY: proxy.url,
    };
    const role = {
      ...keys,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ENDPOINT_URL_STS: `http://sts.test:${await freePort()}`,
    };
    await withStore(awsEnv(named(plain), role), (store) =>
      assert.rejects(store.prepare(), refusedAs('unreachable', /gives credentials.*STS/)),
    );
    assert.match(proxy.asked[0] ?? '', /^POST http:\/\/sts\.test:/);
    const before = proxy.asked.length;
    const metadata = {
      ...keys,
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://metadata.invalid',
    };
    await withStore(awsEnv(named(plain), metadata), (store) =>
      assert.rejects(store.prepare(), refusedAs('access', /metadata service gave none/)),
    );
    assert.equal(proxy.asked.length, before);
  });

  test('that is dead: STS is told as out of its reach, not the bucket', async () => {
    const token = join(folder.path, 'token');
    await writeFile(token, 'x.y');
    const role = {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ENDPOINT_URL_STS: 'https://sts.test',
      HTTPS_PROXY: `http://127.0.0.1:${await freePort()}`,
    };
    await withStore(awsEnv(named(secure), role), (store) =>
      assert.rejects(
        store.prepare(),
        refusedAs(
          'unreachable',
          /no credentials for the bucket.*the proxy of HTTPS_PROXY could not be reached/,
        ),
      ),
    );
  });
});

test('AWS_DEFAULT_REGION is the region where AWS_REGION is not set', async () => {
  await withStore(awsEnv(plain.url, { AWS_REGION: '', AWS_DEFAULT_REGION: 'us-east-1' }), writes);
});
