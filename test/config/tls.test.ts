import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Environment, loadConfig } from '../../src/config/config.ts';
import { createAuthority, type KeyPair } from '../support/pki.ts';
import { type Scratch, scratchFolder } from '../support/scratch-folder.ts';
import { problemsOf } from './support.ts';

let scratch: Scratch;
let ca: string;
let client: KeyPair;
let other: KeyPair;
let expired: KeyPair;

before(async () => {
  scratch = await scratchFolder('config');
  const authority = await createAuthority(scratch.path);
  ca = authority.ca;
  client = await authority.client({ name: 'client' });
  other = await authority.client({ name: 'other' });
  expired = await authority.client({ name: 'expired', validity: 'expired' });
});

after(() => scratch[Symbol.asyncDispose]());

/** A file in the scratch folder that was never there before. */
let count = 0;
function file(...parts: readonly (string | Buffer)[]): string {
  count += 1;
  const path = join(scratch.path, `file-${count}.pem`);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
  return path;
}

/** A file's text with a line break at its end, so that texts can be put together. */
const pem = (path: string) => `${readFileSync(path, 'utf8').trim()}\n`;
const pair = ({ cert, key }: KeyPair) => ({ ETCDCTL_CERT: cert, ETCDCTL_KEY: key });

/** Expects exactly these problems, in any order: the variable and what its message holds. */
function expectProblems(env: Environment, expected: Readonly<Record<string, RegExp>>): void {
  const problems = problemsOf(env);
  assert.deepEqual(problems.map(({ variable }) => variable).toSorted(), Object.keys(expected).toSorted());
  for (const { variable, message } of problems) assert.match(message, expected[variable] ?? /^$/);
}

const refusesCa = (path: string, message: RegExp) =>
  expectProblems({ ETCDCTL_CACERT: path }, { ETCDCTL_CACERT: message });
const refusesKey = (path: string, message: RegExp) =>
  expectProblems({ ETCDCTL_CERT: client.cert, ETCDCTL_KEY: path }, { ETCDCTL_KEY: message });

describe('TLS files that fit', () => {
  test('hands their content on and makes an endpoint without a scheme https', () => {
    const config = loadConfig({ ETCDCTL_CACERT: ca, ...pair(client), ETCDCTL_ENDPOINTS: 'etcd:2379' });
    assert.deepEqual(config.etcd.endpoints, ['https://etcd:2379']);
    assert.deepEqual(config.etcd.tls, {
      ca: readFileSync(ca),
      cert: readFileSync(client.cert),
      key: readFileSync(client.key),
    });
    assert.deepEqual(config.warnings, []);
  });

  test('takes a CA alone, and a pair alone', () => {
    assert.deepEqual(loadConfig({ ETCDCTL_CACERT: ca }).etcd.tls?.cert, undefined);
    assert.deepEqual(loadConfig(pair(client)).etcd.tls?.ca, undefined);
  });

  test('takes a bundle of CAs with other text between, a chain, and one file for both', () => {
    assert.deepEqual(
      problemsOf({ ETCDCTL_CACERT: file('# ours\r\n', pem(ca), '\n# theirs\n', pem(ca)) }),
      [],
    );
    assert.deepEqual(
      problemsOf({ ETCDCTL_CERT: file(pem(client.cert), pem(ca)), ETCDCTL_KEY: client.key }),
      [],
    );
    const both = file(pem(client.key), pem(client.cert));
    assert.deepEqual(problemsOf({ ETCDCTL_CERT: both, ETCDCTL_KEY: both }), []);
  });

  test('takes the older form of a key', () => {
    const key = createPrivateKey(pem(client.key)).export({ type: 'sec1', format: 'pem' });
    assert.deepEqual(problemsOf({ ETCDCTL_CERT: client.cert, ETCDCTL_KEY: file(key) }), []);
  });

  test('only warns of a certificate that has ended', () => {
    const { warnings } = loadConfig(pair(expired));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /certificate in ETCDCTL_CERT ends or ended at \d{4}-/);
    assert.equal(loadConfig({ ETCDCTL_CACERT: file(pem(expired.cert)) }).warnings.length, 1);
    assert.deepEqual(loadConfig({ ETCDCTL_CACERT: file(pem(expired.cert), pem(ca)) }).warnings, []);
  });
});

describe('TLS files that do not fit', () => {
  test('wants certificate and key together', () => {
    expectProblems({ ETCDCTL_CERT: client.cert }, { ETCDCTL_KEY: /is not set, but ETCDCTL_CERT is/ });
    expectProblems({ ETCDCTL_KEY: client.key }, { ETCDCTL_CERT: /is not set, but ETCDCTL_KEY is/ });
  });

  test('wants the key of the certificate', () => {
    expectProblems(
      { ETCDCTL_CERT: client.cert, ETCDCTL_KEY: other.key },
      { ETCDCTL_KEY: /is not the key of/ },
    );
    // The first certificate of a file is its own.
    expectProblems(
      { ETCDCTL_CERT: file(pem(ca), pem(client.cert)), ETCDCTL_KEY: client.key },
      { ETCDCTL_KEY: /is not the key of/ },
    );
  });

  test('refuses them with http, where they would be ignored', () => {
    const http = { ETCDCTL_ENDPOINTS: 'http://a:2379' };
    expectProblems({ ...http, ETCDCTL_CACERT: ca }, { ETCDCTL_ENDPOINTS: /would be ignored/ });
    expectProblems({ ...http, ...pair(client) }, { ETCDCTL_ENDPOINTS: /would be ignored/ });
    expectProblems(
      { ETCDCTL_ENDPOINTS: 'a:2379,http://b:2379', ETCDCTL_CACERT: ca },
      { ETCDCTL_ENDPOINTS: /mixes https and http/ },
    );
  });

  test('reports each of three wrong files, and no endpoint for their sake', () => {
    const env = { ETCDCTL_CACERT: '/nowhere/ca', ETCDCTL_CERT: scratch.path, ETCDCTL_KEY: file('') };
    expectProblems(
      { ...env, ETCDCTL_ENDPOINTS: 'etcd:2379' },
      { ETCDCTL_CACERT: /there is none with this path/, ETCDCTL_CERT: /is a folder/, ETCDCTL_KEY: /nothing/ },
    );
  });
});

describe('TLS files that cannot be used', () => {
  test('says which file', () => refusesCa('/nowhere/ca.crt', /is "\/nowhere\/ca.crt"/));
  test('not there', () => refusesCa('/nowhere/ca.crt', /there is none with this path/));
  test('below a file', () => refusesCa(join(ca, 'x'), /part of its path is not a folder/));
  test('a folder', () => refusesKey(scratch.path, /is a folder/));
  test('a device', () => refusesKey('/dev/zero', /regular file/));
  test('a file of no size, whatever it holds', () => refusesKey('/proc/self/environ', /PEM private key/));
  test('huge', () => refusesCa(file(Buffer.alloc(5_000_000)), /has 5000000 bytes/));
  test('a name too long', () => refusesCa(`/${'x'.repeat(300)}`, /cannot be read \(ENAMETOOLONG\)/));
  test('empty', () => refusesCa(file('\n'), /holds nothing/));
  test('not PEM', () => refusesCa(file('hello'), /holds no PEM at all/));
  test('a key as a CA', () => refusesCa(client.key, /but holds PRIVATE KEY/));
  test('a certificate as a key', () => refusesKey(client.cert, /but holds CERTIFICATE/));
  test('a public key as a key', () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    refusesKey(file(publicKey.export({ type: 'spki', format: 'pem' })), /but holds PUBLIC KEY/);
  });
  test('a certificate cut short', () => refusesCa(file(pem(ca), pem(ca).slice(0, 200)), /cut short/));
  test('certificates with no line break between them', () => {
    refusesCa(file(pem(ca).trim(), pem(ca)), /share a line/);
    refusesCa(file('CA: ', pem(ca)), /share a line/);
  });
  test('a key that is too short for TLS', async () => {
    const weak = await weakPair(scratch.path);
    expectProblems(pair(weak), { ETCDCTL_CERT: /cannot be used for TLS .*too small/ });
  });
  test('one bad certificate of three', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n';
    refusesCa(file(pem(ca), broken, pem(ca)), /3 certificates, of which number 2 .*does not parse/);
    refusesCa(file(broken), /holds a certificate that does not parse/);
  });
  test('a key cut short', () => refusesKey(file(pem(client.key).slice(0, 100)), /does not parse/));
  test('an encrypted key, in both forms', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const lock = { format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' } as const;
    refusesKey(file(rsa.export({ ...lock, type: 'pkcs8' })), /is encrypted/);
    refusesKey(file(rsa.export({ ...lock, type: 'pkcs1' })), /is encrypted/);
  });
  test('the content in place of the path', () => {
    refusesKey(
      pem(client.key),
      /^is \(a certificate or key, not shown\); it should be the path of a PEM file/,
    );
    refusesKey(Buffer.from(pem(client.key)).toString('base64'), /not shown/);
  });
});

describe('TLS files that may not be read', () => {
  test('names mode and owner, and what to do', () => {
    const path = join(scratch.path, 'locked.key');
    copyFileSync(client.key, path);
    chmodSync(path, 0o000);
    chmodSync(scratch.path, 0o755);
    const owner = process.getuid?.() ?? 0;
    asNobody(() =>
      expectProblems(
        { ETCDCTL_CERT: client.cert, ETCDCTL_KEY: path },
        {
          ETCDCTL_KEY: new RegExp(
            `locked.key"; it cannot be read: .* mode 0000 .* uid ${owner}, .*runAsUser`,
          ),
        },
      ),
    );
  });

  test('tells a folder that may not be entered from the file', () => {
    const folder = join(scratch.path, 'locked');
    mkdirSync(folder);
    copyFileSync(ca, join(folder, 'ca.crt'));
    chmodSync(folder, 0o000);
    asNobody(() =>
      expectProblems({ ETCDCTL_CACERT: join(folder, 'ca.crt') }, { ETCDCTL_CACERT: /a folder of its path/ }),
    );
    chmodSync(folder, 0o700);
  });
});

/** Root may read everything, so for once this process is somebody else. */
function asNobody(act: () => void): void {
  const uid = process.geteuid?.();
  if (uid !== 0) return act();
  process.seteuid?.(65_534);
  try {
    act();
  } finally {
    process.seteuid?.(uid);
  }
}

/** A certificate with an RSA key of 1024 bits, which today's OpenSSL refuses to present. */
async function weakPair(folder: string): Promise<KeyPair> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(
    { ...algorithm, modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  // Not at the top: pki.ts prepares Reflect for it.
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['weak'] }],
    keys,
    notAfter: new Date(Date.now() + 86_400_000 * 30),
    signingAlgorithm: algorithm,
  });
  const weak = { cert: join(folder, 'weak.crt'), key: join(folder, 'weak.key') };
  writeFileSync(weak.cert, certificate.toString('pem'));
  writeFileSync(weak.key, KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }));
  return weak;
}
