import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { main } from '../../src/cli.ts';
import { freePort } from '../support/free-port.ts';
import { type JobResult, runJob } from '../support/run-job.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';

/** A secret that can be found again in whatever form it gets out, as no other text can. */
interface Canary {
  readonly value: string;
  readonly variable: string;
}

const canaryFor = (variable: string, more = ''): Canary => ({
  value: `c4N${randomBytes(9).toString('hex')}${more}`,
  variable,
});

/** A server that refuses everything and says again all that it was sent: address, headers, body. */
async function startEcho(status: number, told: (all: string) => string) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      bodies.push(body);
      const all = `${request.url} ${JSON.stringify(request.headers)}`;
      response.writeHead(status, { 'content-type': 'application/xml' }).end(told(all));
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${port}`,
    bodies,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** As S3 refuses, the ID of the key first: what is told of it is cut. */
const refusalOf = (all: string): string =>
  `<Error><Code>AccessDenied</Code><Message>${/Credential=([^/]+)/.exec(all)?.[1]} may not: ${escaped(all)}</Message></Error>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

type Told = Pick<JobResult, 'code' | 'stdout' | 'stderr'> & { terminationMessage?: string | undefined };

/** All that somebody could read, with what could be made of it: decoded from base64 and from URLs, put together again. */
function readable({ stdout, stderr, terminationMessage = '' }: Told, more: readonly string[]): string {
  const texts = [stdout, stderr, terminationMessage, ...more].join('\n');
  const plain = texts.replaceAll(/\\[ntr"]/g, (escape) => (escape === '\\"' ? '"' : ''));
  const tokens = plain.match(/[A-Za-z0-9+/]{12,}/g) ?? [];
  const decoded = tokens.flatMap((token) =>
    [0, 1, 2, 3].map((from) => Buffer.from(token.slice(from), 'base64').toString('latin1')),
  );
  const unescaped = plain.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return [texts, plain, unescaped, texts.replaceAll(/\s/g, ''), ...decoded].join('\n');
}

function assertNotTold(result: Told, canaries: readonly Canary[], more: readonly string[] = []): void {
  const all = readable(result, more);
  for (const { value, variable } of canaries) {
    // Half of it would be too much as well.
    const half = value.slice(0, Math.ceil(value.length / 2));
    const at = all.indexOf(half);
    assert.equal(at, -1, `${variable} was told: ...${all.slice(Math.max(0, at - 300), at + 100)}`);
  }
}

/** A command without a process of its own. */
async function commandResult(command: string, env: Record<string, string>): Promise<Told> {
  const told = { stdout: '', stderr: '' };
  const code = await main({
    args: [command],
    env,
    version: '0.0.0',
    holder: 'a test',
    stdoutIsTTY: false,
    stderrIsTTY: false,
    print: (text) => {
      told.stdout += text;
    },
    note: (text) => {
      told.stderr += text;
    },
    signal: AbortSignal.timeout(20_000),
    onLoaded: () => undefined,
    onWarning: () => undefined,
    onCrash: () => undefined,
  });
  return { code, ...told };
}

/** How somebody may get an address with a password in it wrong. */
const MALFORMED: readonly (readonly [string, (secret: string) => string])[] = [
  ['nothing wrong', (secret) => `http://user:${secret}@127.0.0.1:1/path`],
  ['no scheme', (secret) => `user:${secret}@127.0.0.1:1`],
  ['one slash', (secret) => `https:/user:${secret}@127.0.0.1:1`],
  ['no slash', (secret) => `https:user:${secret}@127.0.0.1:1`],
  ['no colon', (secret) => `https//user:${secret}@127.0.0.1:1`],
  ['no name of a scheme', (secret) => `://user:${secret}@127.0.0.1:1`],
  ['backslashes', (secret) => `https:\\\\user:${secret}@127.0.0.1:1`],
  ['quotes', (secret) => `"https://user:${secret}@127.0.0.1:1"`],
  ['a blank before', (secret) => ` https://user:${secret}@127.0.0.1:1`],
  ['a blank within', (secret) => `https://user:${secret} @127.0.0.1:1`],
  ['a line break', (secret) => `https://user:${secret}@127.0.0.1:1\n`],
  ['a broken line', (secret) => `https://user:${secret.slice(0, 10)}\n${secret.slice(10)}@127.0.0.1:1`],
  ['said twice', (secret) => `https://user:${secret}@ahttps://user:${secret}@a`],
  ['another @', (secret) => `https://user:p@${secret}@127.0.0.1:1`],
  ['a slash in it', (secret) => `https://user:p/${secret}@127.0.0.1:1`],
  ['no host', (secret) => `https://user:${secret}`],
  ['an encoded @', (secret) => `https://user:${secret}%40127.0.0.1:1`],
  ['neither scheme nor host', (secret) => `user:${secret}`],
  ['a token alone', (secret) => `https://${secret}@127.0.0.1:1`],
  ['in its query', (secret) => `https://127.0.0.1:1/?token=${secret}`],
  ['in its fragment', (secret) => `https://127.0.0.1:1/#token=${secret}`],
  ['another scheme', (secret) => `s4://user:${secret}@bucket/prefix`],
  ['a % that is none', (secret) => `s3://user:${secret}%zz@bucket/%zz`],
];

const ADDRESSES = [
  'ETCDCTL_ENDPOINTS',
  'METRICS_PUSHGATEWAY_URL',
  'HEARTBEAT_URL',
  'BACKUP_STORE',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL',
  'HTTPS_PROXY',
  'http_proxy',
];
const SECRETS = ['ETCDCTL_PASSWORD', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'ETCDCTL_PASSWORDS'];

describe('no secret is told', () => {
  let scratch: Scratch;
  before(async () => {
    scratch = await scratchFolder('secrets');
  });
  after(() => scratch[Symbol.asyncDispose]());

  for (const [what, written] of MALFORMED) {
    test(`of addresses with ${what}`, async () => {
      const canaries = [...ADDRESSES, ...SECRETS].map((variable) => canaryFor(variable));
      const env = Object.fromEntries(
        canaries.map(({ variable, value }) => [
          variable,
          ADDRESSES.includes(variable) ? written(value) : value,
        ]),
      );
      const given = { ...env, ETCDCTL_USER: 'root', DRY_RUN: 'maybe', CLUSTER_NAME: 'a/b' };
      const all = await Promise.all([
        runJob(given),
        commandResult('status', given),
        commandResult('list', given),
      ]);
      for (const result of all) {
        assert.equal(result.code, 2);
        assert.notEqual(result.stdout + result.stderr, '');
        assertNotTold(result, canaries);
      }
    });
  }

  test('of what is no path where a file should be named', async () => {
    const key = randomBytes(60).toString('base64');
    const canaries = ['ETCDCTL_KEY', 'ETCDCTL_CERT', 'BACKUP_AGE_IDENTITY_FILE'].map((variable) => ({
      variable,
      value: `MIG${key}${variable.length}`,
    }));
    const env = Object.fromEntries(canaries.map(({ variable, value }) => [variable, value]));
    for (const command of ['run', 'verify']) assertNotTold(await runJob(env, { args: [command] }), canaries);
  });

  test('by sinks that say again what they were sent', async () => {
    await using sink = await startEcho(403, (all) => all);
    const [password, path, query, user] = [
      'METRICS',
      'HEARTBEAT path',
      'HEARTBEAT query',
      'HEARTBEAT user',
    ].map((name) => canaryFor(name));
    assert.ok(password && path && query && user);
    const result = await runJob({
      ETCDCTL_ENDPOINTS: `http://127.0.0.1:${await freePort()}`,
      ETCDCTL_DIAL_TIMEOUT: '1s',
      CLUSTER_NAME: 'prod',
      METRICS_PUSHGATEWAY_URL: `http://user:${password.value}%2F%40@${sink.host}`,
      HEARTBEAT_URL: `http://me:${user.value}@${sink.host}/ping/${path.value}?key=${query.value}`,
    });
    assert.equal(result.code, 3, result.stdout);
    assert.match(result.stdout, /METRICS_PUSHGATEWAY_URL: 127\.0\.0\.1:\d+ answered 403/);
    assertNotTold(result, [password, path, query, user], sink.bodies);
  });

  test('by an S3 server that says again what it was sent', async () => {
    await using server = await startEcho(403, refusalOf);
    const id = canaryFor('AWS_ACCESS_KEY_ID');
    const secret = canaryFor('AWS_SECRET_ACCESS_KEY', '/+"<&');
    const token = canaryFor('AWS_SESSION_TOKEN', randomBytes(40).toString('hex'));
    const env = {
      BACKUP_STORE: 's3://bucket/prefix?forcePathStyle=true',
      CLUSTER_NAME: 'prod',
      AWS_ENDPOINT_URL_S3: `http://${server.host}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: id.value,
      AWS_SECRET_ACCESS_KEY: secret.value,
      AWS_SESSION_TOKEN: token.value,
    };
    for (const command of ['list', 'verify', 'history']) {
      const result = await runJob(env, { args: [command] });
      assert.equal(result.code, 4, result.stderr);
      assert.match(result.stderr, /AccessDenied/);
      assertNotTold(result, [id, secret, token]);
    }
  });

  test('of a shared credentials file by an S3 server that says again what it was sent', async () => {
    const id = canaryFor('the ID in the file');
    const secret = canaryFor('the key in the file', '/+');
    const token = canaryFor('the token in the file', randomBytes(40).toString('hex'));
    const file = join(scratch.path, 'credentials');
    await writeFile(
      file,
      `[default]\naws_access_key_id = ${id.value}\naws_secret_access_key = ${secret.value}\naws_session_token = ${token.value}\n`,
    );
    const named = `<Error><Code>${id.value}</Code><Message>${secret.value}</Message></Error>`;
    for (const told of [refusalOf, () => named]) {
      await using server = await startEcho(403, told);
      const env = {
        BACKUP_STORE: 's3://bucket/prefix?forcePathStyle=true',
        CLUSTER_NAME: 'prod',
        AWS_ENDPOINT_URL_S3: `http://${server.host}`,
        AWS_REGION: 'us-east-1',
        AWS_SHARED_CREDENTIALS_FILE: file,
      };
      for (const command of ['list', 'verify', 'history']) {
        const result = await runJob(env, { args: [command] });
        assert.equal(result.code, 4, result.stderr);
        assert.match(result.stderr, /access denied \(.*\*\*\*/);
        assertNotTold(result, [id, secret, token]);
      }
    }
  });

  test('of a service account by an STS that says again what it was sent', async () => {
    const [head, body, signature] = [1, 2, 3].map(() => randomBytes(30).toString('base64url'));
    const token = { value: `eyJ${head}.${body}.${signature}`, variable: 'AWS_WEB_IDENTITY_TOKEN_FILE' };
    const file = join(scratch.path, 'web-identity');
    await writeFile(file, token.value);
    await using sts = await startEcho(
      400,
      () =>
        `<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no: ${token.value}</Message></Error></ErrorResponse>`,
    );
    const env = {
      BACKUP_STORE: 's3://bucket/prefix',
      CLUSTER_NAME: 'prod',
      AWS_ENDPOINT_URL_STS: `http://${sts.host}`,
      AWS_REGION: 'us-east-1',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x',
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
    };
    const result = await runJob(env, { args: ['list'] });
    assert.equal(result.code, 4, result.stderr);
    assert.match(result.stderr, /STS does not take the token/);
    assertNotTold(result, [token]);
  });

  test('by the file that a run leaves for kubelet, nor by a dry run', async () => {
    const password = canaryFor('ETCDCTL_PASSWORD', '\n');
    const env = {
      ETCDCTL_ENDPOINTS: `http://127.0.0.1:${await freePort()}`,
      ETCDCTL_DIAL_TIMEOUT: '1s',
      ETCDCTL_USER: `root:${password.value}`,
      DRY_RUN: 'true',
      TERMINATION_LOG: join(scratch.path, 'end'),
    };
    const result = await runJob(env);
    assert.equal(result.code, 3);
    assert.equal(JSON.parse(result.terminationMessage ?? '').exitCode, 3);
    assertNotTold(result, [{ ...password, value: password.value.trim() }]);
  });
});
