import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import type { Config } from '../../config/config.ts';

type TlsSettings = Config['etcd']['tls'];

/** Of a TLS connection, as Node's `https` and `http2` take them. */
export interface TlsOptions {
  ca: Buffer;
  cert?: Buffer;
  key?: Buffer;
  servername?: string;
}

/** The options for an endpoint: whom to trust, and what to show. */
export function tlsOptions(endpoint: string | URL, tls: TlsSettings): TlsOptions {
  return {
    ca: trusted(tls),
    ...(tls?.cert && { cert: tls.cert }),
    ...(tls?.key && { key: tls.key }),
    // An IP address is no server name (RFC 6066); the certificate is checked against it all the same.
    ...(isAddress(endpoint) && { servername: '' }),
  };
}

/** The same as etcd3 takes it. gRPC knows by itself what to do with an IP address. */
export function grpcCredentials(tls: TlsSettings) {
  return {
    rootCertificate: trusted(tls),
    ...(tls?.cert && { certChain: tls.cert }),
    ...(tls?.key && { privateKey: tls.key }),
  };
}

/** The given CA, else the machine's own roots, and those that come with Node for an image that has none. */
const trusted = (tls: TlsSettings): Buffer =>
  tls?.ca ?? Buffer.from([...getCACertificates('system'), ...getCACertificates('default')].join('\n'));

const isAddress = (endpoint: string | URL): boolean =>
  isIP(new URL(endpoint).hostname.replace(/^\[|\]$/g, '')) !== 0;
