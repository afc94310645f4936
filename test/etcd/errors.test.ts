import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { Failure, Interrupted } from '../../src/errors.ts';
import { EtcdError, type EtcdErrorCode, toEtcdError } from '../../src/etcd/errors.ts';
import { type Authority, createAuthority, type KeyPair } from '../support/pki.ts';
import { freePort } from '../support/free-port.ts';
import {
  type RefusingServer,
  refusalKey,
  SILENCE,
  startRefusingServer,
} from '../support/refusing-grpc-server.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';

type Credentials = ConstructorParameters<typeof Etcd3>[0] & object;

/** What comes of a Range of this key, as etcd3 throws it. */
async function thrown(hosts: string, key: string, { credentials }: Pick<Credentials, 'credentials'> = {}) {
  const client = new Etcd3({
    hosts,
    ...(credentials && { credentials }),
    faultHandling: { global: noop, host: () => noop },
    grpcOptions: { 'grpc.ssl_target_name_override': 'localhost' },
  });
  try {
    await client.kv.range(
      { key: Buffer.from(key) },
      { deadline: Date.now() + (key === SILENCE ? 100 : 10_000) },
    );
  } catch (error) {
    return error;
  } finally {
    client.close();
  }
  throw new Error('it was not refused');
}

describe('etcd says', () => {
  let server: RefusingServer;
  before(async () => {
    server = await startRefusingServer();
  });
  after(() => server[Symbol.asyncDispose]());

  // Codes and words of etcd's api/v3rpc/rpctypes/error.go.
  const rows: [code: keyof typeof status, says: string, kind: EtcdErrorCode][] = [
    ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision has been compacted', 'compacted'],
    ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision is a future revision', 'future-revision'],
    ['RESOURCE_EXHAUSTED', 'etcdserver: mvcc: database space exceeded', 'no-space'],
    ['DATA_LOSS', 'etcdserver: corrupt cluster', 'corrupt'],
    ['NOT_FOUND', 'etcdserver: requested lease not found', 'lease-not-found'],
    ['UNAVAILABLE', 'etcdserver: no leader', 'no-leader'],
    ['UNAVAILABLE', 'etcdserver: leader changed', 'no-leader'],
    ['UNAVAILABLE', 'etcdserver: request timed out, possibly due to previous leader failure', 'no-leader'],
    ['UNAVAILABLE', 'etcdserver: request timed out, possibly due to connection lost', 'no-leader'],
    ['UNAVAILABLE', 'etcdserver: request timed out', 'timeout'],
    ['UNAVAILABLE', 'etcdserver: request timed out, waiting for the applied index took too long', 'timeout'],
    ['DEADLINE_EXCEEDED', 'etcdserver: context deadline exceeded', 'timeout'],
    ['CANCELLED', 'etcdserver: request canceled', 'cancelled'],
    ['FAILED_PRECONDITION', 'etcdserver: not leader', 'not-leader'],
    ['INVALID_ARGUMENT', 'etcdserver: authentication failed, invalid user ID or password', 'access'],
    ['INVALID_ARGUMENT', 'etcdserver: user name is empty', 'access'],
    ['FAILED_PRECONDITION', 'etcdserver: user name not found', 'access'],
    ['FAILED_PRECONDITION', 'etcdserver: authentication is not enabled', 'access'],
    ['PERMISSION_DENIED', 'etcdserver: permission denied', 'access'],
    ['PERMISSION_DENIED', 'in words of its own', 'access'],
    ['UNAUTHENTICATED', 'in words of its own', 'access'],
    ['UNAVAILABLE', 'etcdserver: unhealthy cluster', 'unreachable'],
    ['UNAVAILABLE', 'etcdserver: server stopped', 'unreachable'],
    ['RESOURCE_EXHAUSTED', 'etcdserver: too many requests', 'other'],
    ['FAILED_PRECONDITION', 'etcdserver: rpc not supported for learner', 'other'],
    ['FAILED_PRECONDITION', 'etcdserver: bad leader transferee', 'other'],
    ['UNIMPLEMENTED', 'unknown method HashKV for service etcdserverpb.Maintenance', 'other'],
    ['UNKNOWN', 'something new', 'other'],
  ];
  for (const [code, says, kind] of rows) {
    test(`${code}, ${says}: ${kind}`, async () => {
      const error = await thrown(`http://127.0.0.1:${server.port}`, refusalKey(status[code], says));
      const refusal = toEtcdError(error);
      assert.equal(refusal.code, kind);
      assert.ok(refusal.message.includes(says), refusal.message);
      assert.doesNotMatch(refusal.message, /^\d+ [A-Z_]+:/);
      assert.equal(refusal.cause, error);
    });
  }

  test('nothing until the deadline: timeout', async () => {
    const refusal = toEtcdError(await thrown(`http://127.0.0.1:${server.port}`, SILENCE));
    assert.equal(refusal.code, 'timeout');
    assert.match(refusal.message, /^Deadline exceeded/);
  });
});

async function trusting({ ca }: Authority, pair?: KeyPair): Promise<Pick<Credentials, 'credentials'>> {
  const own = pair && { certChain: await readFile(pair.cert), privateKey: await readFile(pair.key) };
  return { credentials: { rootCertificate: await readFile(ca), ...own } };
}

/** Both of our ways: gRPC's, and the bare HTTP/2 of the snapshot. */
async function kindsOf(
  url: string,
  credentials?: Pick<Credentials, 'credentials'>,
): Promise<EtcdErrorCode[]> {
  const viaGrpc = toEtcdError(await thrown(url, 'any', credentials));
  const { rootCertificate, certChain, privateKey } = credentials?.credentials ?? {};
  const session = connect(url, {
    servername: 'localhost',
    ...(rootCertificate && { ca: rootCertificate }),
    ...(certChain && { cert: certChain }),
    ...(privateKey && { key: privateKey }),
  });
  const stream = session.request({ ':path': '/' });
  session.on('error', () => {}); // the stream has it too
  const [error] = await once(stream, 'error');
  session.destroy();
  return [viaGrpc.code, toEtcdError(error).code];
}

describe('the way to etcd', () => {
  let scratch: Scratch;
  let authority: Authority;
  let stranger: Authority;
  let client: KeyPair;

  before(async () => {
    scratch = await scratchFolder('refusal');
    authority = await createAuthority(scratch.path);
    stranger = await createAuthority(scratch.path, 'stranger');
    client = await authority.client({ name: 'client' });
  });
  after(() => scratch[Symbol.asyncDispose]());

  /** A server with this certificate that wants one of its clients. */
  async function secureServer({ cert, key }: KeyPair): Promise<RefusingServer> {
    const pair = { cert_chain: await readFile(cert), private_key: await readFile(key) };
    return startRefusingServer(ServerCredentials.createSsl(await readFile(authority.ca), [pair], true));
  }

  test('is closed where nobody listens: unreachable', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    assert.deepEqual(await kindsOf(url), ['unreachable', 'unreachable']);
    const refusal = toEtcdError(await thrown(url, 'any'));
    assert.match(refusal.message, /^connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
  });

  test('ends at a certificate of a strange CA: tls', async () => {
    await using server = await secureServer(await authority.server({ name: 'server' }));
    const url = `https://127.0.0.1:${server.port}`;
    assert.deepEqual(await kindsOf(url, await trusting(stranger, client)), ['tls', 'tls']);
  });

  test('ends at a certificate that has expired, or is for another host: tls', async () => {
    const pairs = [
      await authority.server({ name: 'expired', validity: 'expired' }),
      await authority.server({ name: 'elsewhere', hosts: ['elsewhere.example'] }),
    ];
    for (const pair of pairs) {
      await using server = await secureServer(pair);
      const url = `https://127.0.0.1:${server.port}`;
      assert.deepEqual(await kindsOf(url, await trusting(authority, client)), ['tls', 'tls'], pair.cert);
    }
  });

  test('ends where a client certificate is wanted and none is given: tls', async () => {
    await using server = await secureServer(await authority.server({ name: 'strict' }));
    const refusal = toEtcdError(
      await thrown(`https://127.0.0.1:${server.port}`, 'any', await trusting(authority)),
    );
    assert.equal(refusal.code, 'tls');
  });

  test('is not that of TLS only because of a name: a host may be called etcd-tls or certificates', () => {
    const texts = [
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED etcd-tls:2379',
      '14 UNAVAILABLE: Name resolution failed for target dns:etcd-tls:2379',
      'getaddrinfo ENOTFOUND certificates.example',
      'getaddrinfo EAI_AGAIN etcd-ssl.example',
    ];
    for (const text of texts) assert.equal(toEtcdError(new Error(text)).code, 'unreachable', text);
    assert.equal(
      toEtcdError(new Error('4 DEADLINE_EXCEEDED: Deadline exceeded at etcd-tls')).code,
      'timeout',
    );
  });
});

describe('what is thrown', () => {
  test('is a refusal already, and stays what it is', () => {
    const refusal = new EtcdError('timeout', 'it took too long');
    assert.equal(toEtcdError(refusal), refusal);
    assert.deepEqual(
      [refusal.name, refusal.code, refusal.message],
      ['EtcdError', 'timeout', 'it took too long'],
    );
  });

  test('by the end of the run, or by a failure of it, is no refusal of etcd: it is thrown on', () => {
    for (const failure of [new Interrupted('SIGTERM'), new Failure('backup', 'why')]) {
      assert.throws(
        () => toEtcdError(failure),
        (error) => error === failure,
      );
    }
  });

  test('with a reason behind it is read with its reason', () => {
    const error = new Error('the stream was cut', { cause: new Error('read ECONNRESET') });
    assert.deepEqual(
      [toEtcdError(error).code, toEtcdError(error).message],
      ['unreachable', 'the stream was cut: read ECONNRESET'],
    );
  });

  test('that is no error at all becomes one', () => {
    assert.deepEqual([toEtcdError('why').code, toEtcdError('why').message], ['other', 'why']);
  });
});
