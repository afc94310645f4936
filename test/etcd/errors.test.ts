import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { loadConfig } from '../../src/config/config.ts';
import { Failure, Interrupted, messageOf } from '../../src/errors.ts';
import { EtcdError, type EtcdErrorCode, mayHaveBeenDone, toEtcdError } from '../../src/etcd/errors.ts';
import { openSession } from '../../src/etcd/snapshot/session.ts';
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

  // Numbers and words of etcd's api/v3rpc/rpctypes/error.go.
  const rows: [number: keyof typeof status, says: string, code: EtcdErrorCode][] = [
    ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision has been compacted', 'compacted'],
    ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision is a future revision', 'future-revision'],
    ['RESOURCE_EXHAUSTED', 'etcdserver: mvcc: database space exceeded', 'no-space'],
    ['DATA_LOSS', 'etcdserver: corrupt cluster', 'corrupt'],
    ['NOT_FOUND', 'etcdserver: requested lease not found', 'lease-not-found'],
    ['FAILED_PRECONDITION', 'etcdserver: cluster has a downgrade job in progress', 'downgrading'],
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
    ['INVALID_ARGUMENT', 'etcdserver: revision of auth store is old', 'token'],
    ['FAILED_PRECONDITION', 'etcdserver: user name not found', 'access'],
    ['FAILED_PRECONDITION', 'etcdserver: authentication is not enabled', 'access'],
    ['PERMISSION_DENIED', 'etcdserver: permission denied', 'access'],
    ['PERMISSION_DENIED', 'in words of its own', 'access'],
    ['UNAUTHENTICATED', 'in words of its own', 'access'],
    ['UNAVAILABLE', 'etcdserver: unhealthy cluster', 'unreachable'],
    ['UNAVAILABLE', 'etcdserver: server stopped', 'unreachable'],
    ['RESOURCE_EXHAUSTED', 'etcdserver: too many requests', 'other'],
    ['FAILED_PRECONDITION', 'etcdserver: rpc not supported for learner', 'learner'],
    ['FAILED_PRECONDITION', 'etcdserver: bad leader transferee', 'other'],
    ['UNIMPLEMENTED', 'unknown method HashKV for service etcdserverpb.Maintenance', 'other'],
    ['UNKNOWN', 'something new', 'other'],
    // As 3.4 and 3.5 say it in calls of maintenance.
    ['UNKNOWN', 'auth: permission denied', 'access'],
    ['UNKNOWN', 'auth: invalid auth token', 'token'],
    ['UNKNOWN', 'auth: revision in header is old', 'token'],
    ['FAILED_PRECONDITION', 'etcdserver: role is not granted to the user', 'other'],
    // A number decides where somebody else's words only contain etcd's.
    ['UNAVAILABLE', 'proxy: etcdserver: no leader, says the certificate', 'unreachable'],
    ['INTERNAL', 'proxy: permission denied (ECONNREFUSED)', 'other'],
  ];
  for (const [number, says, code] of rows) {
    test(`${number}, ${says}: ${code}`, async () => {
      const cause = await thrown(`http://127.0.0.1:${server.port}`, refusalKey(status[number], says));
      const error = toEtcdError(cause);
      assert.equal(error.code, code);
      assert.equal(error.message, says);
      assert.equal(error.cause, cause);
    });
  }

  test('nothing until the deadline: timeout', async () => {
    const error = toEtcdError(await thrown(`http://127.0.0.1:${server.port}`, SILENCE));
    assert.equal(error.code, 'timeout');
    assert.match(error.message, /^Deadline exceeded: no answer within/);
  });
});

async function trusting({ ca }: Authority, pair?: KeyPair): Promise<Pick<Credentials, 'credentials'>> {
  const own = pair && { certChain: await readFile(pair.cert), privateKey: await readFile(pair.key) };
  return { credentials: { rootCertificate: await readFile(ca), ...own } };
}

/** What comes of both of our ways: gRPC's, and the bare HTTP/2 of the snapshot. */
async function errorsOf(
  url: string,
  credentials: Pick<Credentials, 'credentials'> = {},
): Promise<[viaGrpc: EtcdError, viaHttp2: EtcdError]> {
  const viaGrpc = toEtcdError(await thrown(url, 'any', credentials));
  const { rootCertificate: ca, certChain: cert, privateKey: key } = credentials.credentials ?? {};
  const settings = {
    ...loadConfig({ ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1' }).etcd,
    tls: { ca, cert, key },
  };
  const viaHttp2 = await openSession({ endpoint: url, settings }, new AbortController().signal).then(
    (session) => {
      session.destroy();
      throw new Error('it was not refused');
    },
    (error: unknown) => error,
  );
  assert.ok(viaHttp2 instanceof EtcdError);
  return [viaGrpc, viaHttp2];
}

/** Nobody was reached, whichever way was tried, for this reason in words. */
function assertUnreachable(errors: readonly EtcdError[], why: RegExp): void {
  for (const error of errors) {
    assert.equal(error.code, 'unreachable');
    assert.match(error.message, why);
  }
}

describe('the way to etcd', () => {
  let scratch: Scratch;
  let authority: Authority;
  let stranger: Authority;
  let client: KeyPair;

  before(async () => {
    scratch = await scratchFolder('errors');
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
    assertUnreachable(await errorsOf(url), /^connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
  });

  test('ends at a certificate of a strange CA: unreachable, and it names the variable', async () => {
    await using server = await secureServer(await authority.server({ name: 'server' }));
    const url = `https://127.0.0.1:${server.port}`;
    assertUnreachable(
      await errorsOf(url, await trusting(stranger, client)),
      /^no CA in ETCDCTL_CACERT signed its certificate \(/,
    );
  });

  test('ends at a certificate that has expired, or is for another host: unreachable, and it says so', async () => {
    const pairs: [KeyPair, RegExp][] = [
      [
        await authority.server({ name: 'expired', validity: 'expired' }),
        /^its own certificate has expired \(/,
      ],
      [await authority.server({ name: 'elsewhere', hosts: ['elsewhere.example'] }), /altnames|cert's/],
    ];
    for (const [pair, why] of pairs) {
      await using server = await secureServer(pair);
      const url = `https://127.0.0.1:${server.port}`;
      assertUnreachable(await errorsOf(url, await trusting(authority, client)), why);
    }
  });

  test('ends where a client certificate is wanted and none is given: unreachable, and it says what to set', async () => {
    await using server = await secureServer(await authority.server({ name: 'strict' }));
    const error = toEtcdError(
      await thrown(`https://127.0.0.1:${server.port}`, 'any', await trusting(authority)),
    );
    assertUnreachable([error], /^it wants a client certificate: set ETCDCTL_CERT and ETCDCTL_KEY \(/);
  });

  test('is not told as one of TLS only because of a name: a host may be called etcd-tls or certificates', () => {
    const unavailable = [
      'No connection established. Last error: Error: connect ECONNREFUSED etcd-tls:2379',
      'Name resolution failed for target dns:etcd-tls:2379',
    ].map((details) => serviceError(status.UNAVAILABLE, details));
    const nodes = [
      Object.assign(new Error('getaddrinfo ENOTFOUND certificates.example'), { code: 'ENOTFOUND' }),
      Object.assign(new Error('getaddrinfo EAI_AGAIN etcd-ssl.example'), { code: 'EAI_AGAIN' }),
    ];
    assertUnreachable([...unavailable, ...nodes].map(toEtcdError), /^(?:connect|Name|getaddrinfo) /);
    const late = toEtcdError(serviceError(status.DEADLINE_EXCEEDED, 'Deadline exceeded at etcd-tls'));
    assert.equal(late.code, 'timeout');
  });
});

/** As grpc-js throws it. */
const serviceError = (code: status, details: string): Error =>
  Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details });

describe('what is thrown', () => {
  test('is an EtcdError already, and stays what it is', () => {
    const error = new EtcdError('timeout', 'it took too long');
    assert.equal(toEtcdError(error), error);
    assert.deepEqual([error.name, error.code, error.message], ['EtcdError', 'timeout', 'it took too long']);
  });

  test('by the end of the run, or by a failure of it, is no error of etcd: it is thrown on', () => {
    for (const failure of [new Interrupted('SIGTERM'), new Failure('backup', 'why')]) {
      assert.throws(
        () => toEtcdError(failure),
        (error) => error === failure,
      );
    }
  });

  test('with a reason behind it is read with its reason', () => {
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    const error = new Error('the stream was cut', { cause });
    assert.deepEqual(
      [toEtcdError(error).code, toEtcdError(error).message],
      ['unreachable', 'the stream was cut: read ECONNRESET'],
    );
  });

  test('by a mistake in this program is thrown on', () => {
    const bug = new TypeError('undefined is not a function');
    assert.throws(
      () => toEtcdError(bug),
      (error) => error === bug,
    );
  });

  test('is told once, however often it is handed on', () => {
    const error = toEtcdError(
      serviceError(status.UNAVAILABLE, 'Name resolution failed for target dns:nowhere:1'),
    );
    assert.equal(messageOf(toEtcdError(error)), error.message);
    assert.equal(messageOf(error), 'Name resolution failed for target dns:nowhere:1');
  });

  test('that is no error at all becomes one', () => {
    assert.deepEqual([toEtcdError('why').code, toEtcdError('why').message], ['other', 'why']);
  });
});

describe('what failed', () => {
  const refused: EtcdErrorCode[] = ['access', 'not-leader', 'learner', 'no-space', 'compacted'];
  const unknown: EtcdErrorCode[] = ['unreachable', 'timeout', 'cancelled', 'no-leader', 'other'];

  test('was not done where etcd refused it before it began', () => {
    for (const code of refused) assert.equal(mayHaveBeenDone(code), false, code);
  });

  test('may have been done where only its answer is missing', () => {
    for (const code of unknown) assert.equal(mayHaveBeenDone(code), true, code);
  });
});
