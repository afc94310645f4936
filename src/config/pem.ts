import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { isKeyMaterial } from './problems.ts';

// Readers throw an Error whose message goes on after the words "it ".

export interface CertificateFile {
  readonly pem: Buffer;
  /** At least one; in a client's file the first is its own, the rest lead to its CA. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

export interface KeyFile {
  readonly pem: Buffer;
  readonly key: KeyObject;
}

// BEGIN and END need lines of their own. In files put together without a line break between them Node quietly leaves
// a CA out, and the connection fails much later for a reason that points elsewhere.
const wholeCertificate = /^-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----[ \t]*\r?$/gm;

/** Reads a file of one or more PEM certificates, every one of which must parse. */
export function readCertificates(path: string): CertificateFile {
  const pem = readPem(path);
  const text = pem.toString('latin1');
  const blocks = text.match(wholeCertificate) ?? [];
  if (blocks.length !== text.split('-----BEGIN CERTIFICATE-----').length - 1) {
    throw new Error(
      'holds a PEM certificate that is cut short, or whose BEGIN and END share a line with something',
    );
  }
  const [first, ...rest] = blocks.map((block, index) => parseCertificate(block, index + 1, blocks.length));
  if (first === undefined) {
    throw new Error(`should hold PEM certificates (-----BEGIN CERTIFICATE-----), but holds ${kindsIn(text)}`);
  }
  return { pem, certificates: [first, ...rest] };
}

function parseCertificate(block: string, number: number, count: number): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    const which = count === 1 ? 'a certificate' : `${count} certificates, of which number ${number}`;
    throw new Error(`holds ${which} that does not parse (${messageOf(error)})`, { cause: error });
  }
}

/** Reads a file with one PEM private key, not encrypted. */
export function readPrivateKey(path: string): KeyFile {
  const pem = readPem(path);
  const text = pem.toString('latin1');
  if (!/-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----/.test(text)) {
    throw new Error(
      `should hold a PEM private key (-----BEGIN PRIVATE KEY-----), but holds ${kindsIn(text)}`,
    );
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new Error(
      'holds a private key that is encrypted, and nobody is there to be asked for its passphrase; ' +
        'it should hold the plain key (openssl pkey -in encrypted.key -out plain.key)',
    );
  }
  try {
    return { pem, key: createPrivateKey(pem) };
  } catch (error) {
    throw new Error(`holds a private key that does not parse (${messageOf(error)})`, { cause: error });
  }
}

/** What a file holds instead of what was wanted: the labels of its PEM blocks, never their content. */
function kindsIn(text: string): string {
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label]) => label);
  if (labels.length > 0) return [...new Set(labels)].join(', ');
  return text.trim() === '' ? 'nothing' : 'no PEM at all';
}

/** Far more than a bundle of all public CAs; it keeps a wrong path from filling the memory. */
const largestBytes = 4 * 1024 * 1024;

function readPem(path: string): Buffer {
  if (isKeyMaterial(path)) throw new Error('should be the path of a PEM file, not its content');
  const stats = attempt(() => statSync(path));
  if (stats.isDirectory()) throw new Error('should be a file, but is a folder');
  // Reading a pipe or a device could last for ever.
  if (!stats.isFile()) throw new Error('should be a regular file');
  if (stats.size > largestBytes) throw new Error(`should be a PEM file, but has ${stats.size} bytes`);
  return attempt(() => readFileSync(path), stats);
}

function attempt<T>(read: () => T, stats?: Stats): T {
  try {
    return read();
  } catch (error) {
    throw new Error(reasonOf(error, stats), { cause: error });
  }
}

function reasonOf(error: unknown, stats: Stats | undefined): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'should be a file, but there is none with this path';
  if (code === 'ENOTDIR') return 'should be a file, but a part of its path is not a folder';
  if (code !== 'EACCES') return `cannot be read (${typeof code === 'string' ? code : messageOf(error)})`;
  if (stats === undefined) {
    return (
      'cannot be reached: permission denied on a folder of its path; run as a user that may enter it ' +
      '(in the chart: podSecurityContext.runAsUser), or mount the file itself'
    );
  }
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  return (
    `cannot be read: permission denied, the file has mode ${mode} and belongs to uid ${stats.uid}, ` +
    `gid ${stats.gid}; run as a user or group that may read it (in the chart: podSecurityContext.runAsUser and runAsGroup, 0 for root), ` +
    'or change its rights (owner, mode, SELinux label)'
  );
}
