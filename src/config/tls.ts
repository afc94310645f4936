import type { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../errors.ts';
import { DAY_MS } from '../util/time.ts';
import { type CertificateFile, type KeyFile, readCertificates, readPrivateKey } from './pem.ts';
import type { VariableName } from './secrecy.ts';
import type { Variables } from './variables.ts';

/** PEM as it was read from the files. Without `ca` the system's roots are trusted. */
export interface TlsConfig {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** A certificate that ends sooner is worth a warning: two weeks are time enough to renew it. */
const warnDays = 14;

/** Reads the three PEM files and checks that they fit together. */
export function readTls(vars: Variables): TlsConfig {
  const ca = vars.parse('ETCDCTL_CACERT', readCertificates);
  const cert = vars.parse('ETCDCTL_CERT', readCertificates);
  const key = vars.parse('ETCDCTL_KEY', readPrivateKey);
  checkPair(vars, 'ETCDCTL_CERT', 'ETCDCTL_KEY');
  checkPair(vars, 'ETCDCTL_KEY', 'ETCDCTL_CERT');
  if (cert !== undefined && key !== undefined) checkFit(vars, cert, key);
  // A bundle may keep an old CA beside its successor, so only the one that lasts longest counts.
  if (ca !== undefined) warnOfEnd(vars, 'ETCDCTL_CACERT', ca.certificates);
  if (cert !== undefined) warnOfEnd(vars, 'ETCDCTL_CERT', [cert.certificates[0]]);
  return { ca: ca?.pem, cert: cert?.pem, key: key?.pem };
}

function checkPair(vars: Variables, one: VariableName, other: VariableName): void {
  if (vars.given(one) === undefined || vars.given(other) !== undefined) return;
  vars.report(other, `is not set, but ${one} is; a certificate and its key go together`);
}

function checkFit(vars: Variables, cert: CertificateFile, key: KeyFile): void {
  if (!cert.certificates[0].checkPrivateKey(key.key)) {
    vars.report(
      'ETCDCTL_KEY',
      'is not the key of the certificate in ETCDCTL_CERT; they should be made together',
    );
    return;
  }
  try {
    createSecureContext({ cert: cert.pem, key: key.pem });
  } catch (error) {
    // Say, a key that is too short for today's rules: the connection would fail with the same words.
    vars.report(
      'ETCDCTL_CERT',
      `and ETCDCTL_KEY cannot be used for TLS (${messageOf(error)}); make new ones`,
    );
  }
}

/** Only a warning: whether a certificate is still good is for the other side to say, by its own clock. */
function warnOfEnd(vars: Variables, variable: string, certificates: readonly X509Certificate[]): void {
  const end = Math.max(...certificates.map((certificate) => certificate.validToDate.getTime()));
  if (end - Date.now() > warnDays * DAY_MS) return;
  vars.warn(`the certificate in ${variable} ends or ended at ${new Date(end).toISOString()}; renew it`);
}
