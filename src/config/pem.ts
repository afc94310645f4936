import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { readSmallFile } from './small-file.ts';

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
  const pem = readSmallFile(path, 'a PEM file');
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
  const pem = readSmallFile(path, 'a PEM file');
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
