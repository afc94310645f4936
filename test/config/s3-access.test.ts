import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig, loadStoreSettings } from '../../src/config/config.ts';
import { createAuthority } from '../support/pki.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { problemsOf } from './support.ts';

const folder = await scratchFolder('s3-access');
after(() => folder[Symbol.asyncDispose]());
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder.path, name), text);
  return join(folder.path, name);
};
const S3 = { BACKUP_STORE: 's3://bucket', CLUSTER_NAME: 'prod' };
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'pa/ss+word' };
const token = await file('token', 'eyJhbGciOi.x\n');
const empty = await file('empty', '\n');
const config = await file('config', '[default]\nregion = eu-west-1\n[profile backups]\nregion=eu-west-2\n');
const pipe = join(folder.path, 'pipe');
execFileSync('mkfifo', [pipe]);
const piped = await file('piped', `[profile role]\nweb_identity_token_file = ${pipe}\n`);
const ROLE = { AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: token };

const accessOf = (env: Record<string, string>) => {
  const { store } = loadStoreSettings({ ...S3, ...env });
  assert.ok(store.kind === 's3' && store.access);
  return store.access;
};

describe('the variables of the AWS SDK', () => {
  const wrong: [string, Record<string, string>, string, RegExp][] = [
    [
      'a line break after the key ID',
      { ...KEYS, AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE\n' },
      'AWS_ACCESS_KEY_ID',
      /line break.*printf/,
    ],
    [
      'a line break after the secret key',
      { ...KEYS, AWS_SECRET_ACCESS_KEY: 'pa/ss+word\n' },
      'AWS_SECRET_ACCESS_KEY',
      /line break/,
    ],
    [
      'a line break in the token',
      { ...KEYS, AWS_SESSION_TOKEN: 'pa/ss\r\nword' },
      'AWS_SESSION_TOKEN',
      /line break/,
    ],
    [
      'a key ID alone',
      { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE' },
      'AWS_SECRET_ACCESS_KEY',
      /is not set, but AWS_ACCESS_KEY_ID is/,
    ],
    [
      'a secret key alone',
      { AWS_SECRET_ACCESS_KEY: 'pa/ss+word' },
      'AWS_ACCESS_KEY_ID',
      /is not set, but AWS_SECRET_ACCESS_KEY is/,
    ],
    [
      'an endpoint without a scheme',
      { AWS_ENDPOINT_URL_S3: 'minio:9000' },
      'AWS_ENDPOINT_URL_S3',
      /begins with http:/,
    ],
    [
      'an endpoint with half a scheme',
      { AWS_ENDPOINT_URL_S3: 'https:me:pa/ss+word@minio' },
      'AWS_ENDPOINT_URL_S3',
      /begins with http:/,
    ],
    [
      'an endpoint that is no URL',
      { AWS_ENDPOINT_URL: 'http://min io' },
      'AWS_ENDPOINT_URL',
      /begins with http:/,
    ],
    [
      'an endpoint with a password',
      { AWS_ENDPOINT_URL_S3: 'http://me:pa/ss+word@minio:9000' },
      'AWS_ENDPOINT_URL_S3',
      /begins with http:|no user/,
    ],
    [
      'an endpoint with a user',
      { AWS_ENDPOINT_URL_S3: 'http://me@minio:9000' },
      'AWS_ENDPOINT_URL_S3',
      /no user and no password/,
    ],
    [
      'an endpoint of STS without a scheme',
      { AWS_ENDPOINT_URL_STS: 'sts' },
      'AWS_ENDPOINT_URL_STS',
      /begins with http:/,
    ],
    [
      'a region with spaces',
      { AWS_REGION: 'eu west 1' },
      'AWS_REGION',
      /"eu west 1"; it should be the name of a region/,
    ],
    [
      'a default region that is none',
      { AWS_DEFAULT_REGION: 'eu_west_1' },
      'AWS_DEFAULT_REGION',
      /name of a region/,
    ],
    [
      'a configuration file that is not there',
      { AWS_CONFIG_FILE: '/nowhere/config' },
      'AWS_CONFIG_FILE',
      /there is none with this path/,
    ],
    [
      'a folder for the shared file',
      { AWS_SHARED_CREDENTIALS_FILE: folder.path },
      'AWS_SHARED_CREDENTIALS_FILE',
      /is a folder/,
    ],
    [
      'a profile that is in no file',
      { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_PROFILE: 'backup' },
      'AWS_PROFILE',
      /"backup"; it should be a profile in the file of AWS_CONFIG_FILE/,
    ],
    [
      'a token file that is not there',
      { ...ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere/token' },
      'AWS_WEB_IDENTITY_TOKEN_FILE',
      /there is none/,
    ],
    [
      'an empty token file',
      { ...ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: empty },
      'AWS_WEB_IDENTITY_TOKEN_FILE',
      /but is empty/,
    ],
    [
      'a token file without a role',
      { AWS_WEB_IDENTITY_TOKEN_FILE: token },
      'AWS_ROLE_ARN',
      /is not set, but/,
    ],
    [
      'a pipe for the token of an agent',
      { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: pipe },
      'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
      /regular file/,
    ],
    ...(['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'] as const).map(
      (variable): [string, Record<string, string>, string, RegExp] => [
        `a pipe for the token of a profile, in the file of ${variable}`,
        { [variable]: piped },
        variable,
        /web_identity_token_file .*pipe; it should be a regular file/,
      ],
    ),
    ['a role that is no ARN', { ...ROLE, AWS_ROLE_ARN: 'etcd-upkeep' }, 'AWS_ROLE_ARN', /like arn:aws:iam/],
    ['a CA that is not there', { AWS_CA_BUNDLE: '/nowhere/ca.pem' }, 'AWS_CA_BUNDLE', /there is none/],
    ['a CA that is none', { AWS_CA_BUNDLE: token }, 'AWS_CA_BUNDLE', /should hold PEM certificates/],
    [
      'checksums that there are not',
      { AWS_REQUEST_CHECKSUM_CALCULATION: 'never' },
      'AWS_REQUEST_CHECKSUM_CALCULATION',
      /WHEN_SUPPORTED or WHEN_REQUIRED/,
    ],
    [
      'a proxy of another kind',
      { HTTPS_PROXY: 'socks5://me:pa/ss+word@proxy' },
      'HTTPS_PROXY',
      /speaks http or https/,
    ],
    [
      'a mode of defaults that there is not',
      { ...KEYS, AWS_DEFAULTS_MODE: 'quick' },
      'AWS_DEFAULTS_MODE',
      /should be one of \[standard/,
    ],
    [
      'a proxy that is no URL',
      { http_proxy: 'http://me:pa/ss+word@proxy' },
      'http_proxy',
      /speaks http or https/,
    ],
  ];
  for (const [name, env, variable, words] of wrong) {
    test(`are refused by name: ${name}`, () => {
      const [problem, ...others] = problemsOf({ ...S3, ...env });
      assert.deepEqual(others, []);
      assert.equal(problem?.variable, variable);
      assert.match(problem.message, words);
      assert.doesNotMatch(problem.message, /pa\/ss|AKIAEXAMPLE|\bme\b/);
      assert.throws(() => loadStoreSettings({ ...S3, ...env }), /the configuration is not valid/);
    });
  }

  test('are told all at once', () => {
    const env = { ...KEYS, AWS_SESSION_TOKEN: 'x\n', AWS_ENDPOINT_URL_S3: 'minio', AWS_REGION: '-' };
    const variables = problemsOf({ ...S3, ...env }).map(({ variable }) => variable);
    assert.deepEqual(variables, ['AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION']);
  });

  test('are told beside what is wrong with the store itself', () => {
    const env = { ...KEYS, BACKUP_STORE: 's3:bucket', AWS_SECRET_ACCESS_KEY: 'x\n' };
    const variables = problemsOf({ ...S3, ...env }).map(({ variable }) => variable);
    assert.deepEqual(variables, ['BACKUP_STORE', 'AWS_SECRET_ACCESS_KEY']);
  });

  test('of a proxy are told beside a sink that is wrong', () => {
    const env = { HEARTBEAT_URL: 'monitor/ping', HTTPS_PROXY: 'socks5://proxy' };
    const variables = problemsOf(env).map(({ variable }) => variable);
    assert.deepEqual(variables, ['HEARTBEAT_URL', 'HTTPS_PROXY']);
  });

  test('mean nothing to a store that is a folder', () => {
    loadConfig({ AWS_ENDPOINT_URL_S3: 'minio', AWS_ACCESS_KEY_ID: 'x\n', HTTPS_PROXY: 'socks5://proxy' });
  });

  test('may name a profile, a role of another server, and a file that is to be none', () => {
    const files = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    accessOf({ ...files, AWS_PROFILE: 'backups' });
    accessOf({ ...files, AWS_PROFILE: 'default' });
    accessOf({ ...ROLE, AWS_ROLE_ARN: 'arn:minio:iam:::role/idmp-x' });
  });

  test('tell the region, AWS_REGION before AWS_DEFAULT_REGION', () => {
    assert.equal(accessOf({}).region, undefined);
    assert.equal(accessOf({ AWS_DEFAULT_REGION: 'eu-west-3' }).region, 'eu-west-3');
    assert.equal(accessOf({ AWS_REGION: 'auto', AWS_DEFAULT_REGION: 'eu-west-3' }).region, 'auto');
  });

  test('tell whom to trust', async () => {
    const { ca } = await createAuthority(join(folder.path, 'pki'));
    assert.match(accessOf({ AWS_CA_BUNDLE: ca }).ca ?? '', /-----BEGIN CERTIFICATE-----/);
  });

  test('tell whether a server may give credentials', () => {
    const off = { AWS_EC2_METADATA_DISABLED: 'true' };
    assert.equal(accessOf({}).remoteCredentials, true);
    assert.equal(accessOf(off).remoteCredentials, false);
    assert.equal(accessOf(KEYS).remoteCredentials, false);
    const agent = accessOf({ ...off, AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1' });
    assert.equal(agent.remoteCredentials, true);
    assert.deepEqual(agent.credentialVariables, ['AWS_CONTAINER_CREDENTIALS_FULL_URI']);
  });
});

describe('proxies', () => {
  test('are taken in both spellings, the lower case first, and without a scheme', () => {
    const { proxies } = accessOf({
      HTTPS_PROXY: 'http://upper:3128',
      https_proxy: 'lower:3128',
      HTTP_PROXY: 'https://me:pa%2Fss@plain',
    });
    assert.deepEqual(proxies?.https, { variable: 'https_proxy', url: 'http://lower:3128/' });
    assert.deepEqual(proxies?.http, { variable: 'HTTP_PROXY', url: 'https://me:pa%2Fss@plain/' });
    assert.equal(accessOf({ NO_PROXY: 'x' }).proxies, undefined);
  });

  test('are not asked for what NO_PROXY names, nor for loopback', () => {
    const HTTPS_PROXY = 'http://proxy:3128';
    const { proxies } = accessOf({
      HTTPS_PROXY,
      NO_PROXY: 'example.com, .svc,10.96.0.0/12 192.168.1.7,*.internal,minio:9000,[fd00::1]',
    });
    assert.deepEqual(proxies?.direct.split(','), [
      'localhost',
      '127.0.0.0-127.255.255.255',
      '::1',
      '[::1]',
      'example.com',
      '.example.com',
      '.svc',
      '10.96.0.0-10.111.255.255',
      '192.168.1.7',
      '*.internal',
      'minio:9000',
      '[fd00::1]',
    ]);
    assert.match(accessOf({ HTTPS_PROXY, NO_PROXY: 'a', no_proxy: 'b' }).proxies?.direct ?? '', /,b,\.b$/);
  });
});
