import type { webcrypto } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { ExtendedKeyUsage } from '@peculiar/x509';
import { loadX509 } from './x509.ts';

/** The paths of a certificate and its key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

export type Validity = 'valid' | 'expired' | 'not-yet-valid';

export interface CertificateOptions {
  /** The file's name without its ending; the certificate's name where `commonName` is left out. */
  name: string;
  /**
   * Empty for none. etcd takes a client certificate's common name for its user name when no password is given, and
   * its JSON gateway refuses clients that have one while authentication is on.
   */
  commonName?: string;
  /** Kubernetes takes it for the group of the client. */
  organization?: string;
  validity?: Validity;
  /** IP addresses and host names that a server certificate holds for; by default those of loopback. */
  hosts?: string[];
}

export interface Authority {
  /** The path of the CA's certificate, PEM. */
  readonly ca: string;
  /** For servers and for members among each other, who are clients too. */
  server(options: CertificateOptions): Promise<KeyPair>;
  client(options: CertificateOptions): Promise<KeyPair>;
  /** Writes a list of revoked certificates, which are given by their paths; DER, as etcd reads it. */
  revoke(certificates: readonly string[], path: string): Promise<void>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** What a server certificate holds for by default. */
export const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes a CA and writes it into the folder, as `<name>.crt` and `<name>.key`. A second one is a stranger to the first. */
export async function createAuthority(folder: string, name = 'ca'): Promise<Authority> {
  await mkdir(folder, { recursive: true });
  const x509 = await loadX509();
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`etcd-upkeep test ${name}`] }],
    keys,
    ...period('valid'),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const ca = join(folder, `${name}.crt`);
  await writeFile(ca, root.toString('pem'));
  await writeKey(join(folder, `${name}.key`), keys.privateKey);

  async function issue(options: CertificateOptions, usages: ExtendedKeyUsage[], hosts: string[]) {
    const { commonName = options.name, organization } = options;
    const own = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [
        ...(organization === undefined ? [] : [{ O: [organization] }]),
        ...(commonName === '' ? [] : [{ CN: [commonName] }]),
      ],
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      ...period(options.validity ?? 'valid'),
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...(hosts.length > 0
          ? [
              new x509.SubjectAlternativeNameExtension(
                hosts.map((host) => new x509.GeneralName(isIP(host) ? 'ip' : 'dns', host)),
              ),
            ]
          : []),
      ],
    });
    const pair = { cert: join(folder, `${options.name}.crt`), key: join(folder, `${options.name}.key`) };
    await writeFile(pair.cert, certificate.toString('pem'));
    await writeKey(pair.key, own.privateKey);
    return pair;
  }

  async function revoke(certificates: readonly string[], path: string): Promise<void> {
    const pems = await Promise.all(certificates.map((file) => readFile(file, 'utf8')));
    const list = await x509.X509CrlGenerator.create({
      issuer: root.subject,
      thisUpdate: new Date(),
      nextUpdate: new Date(Date.now() + DAY_MS),
      entries: pems.map((pem) => ({ serialNumber: new x509.X509Certificate(pem).serialNumber })),
      signingAlgorithm: ALGORITHM,
      signingKey: keys.privateKey,
    });
    await writeFile(path, Buffer.from(list.rawData));
  }

  return {
    ca,
    revoke,
    server: (options) => issue(options, [serverAuth, clientAuth], options.hosts ?? LOOPBACK),
    client: (options) => issue(options, [clientAuth], options.hosts ?? []),
  };
}

async function writeKey(path: string, key: webcrypto.CryptoKey): Promise<void> {
  const { PemConverter } = await loadX509();
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', key);
  await writeFile(path, PemConverter.encode(pkcs8, 'PRIVATE KEY'), { mode: 0o600 });
}

/** A day's margin on either side, whatever the clocks do. */
function period(validity: Validity): { notBefore: Date; notAfter: Date } {
  const shift = { valid: 0, expired: -100, 'not-yet-valid': 100 }[validity];
  const at = (days: number) => new Date(Date.now() + (days + shift) * DAY_MS);
  return { notBefore: at(-1), notAfter: at(30) };
}
