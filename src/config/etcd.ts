import { type Credentials, readCredentials } from './credentials.ts';
import { isTls, readEndpoints } from './endpoints.ts';
import { readTls, type TlsConfig } from './tls.ts';
import type { Variables } from './variables.ts';

/** How etcd is reached. */
export interface EtcdConfig {
  /** `https://host:port`, or `http://host:port`; at least one, each once, never a mix. */
  readonly endpoints: readonly string[];
  /** There exactly when the endpoints are https. */
  readonly tls?: TlsConfig | undefined;
  readonly credentials?: Credentials | undefined;
  readonly dialTimeoutMs: number;
  /** For one unary call that has no deadline of its own. */
  readonly commandTimeoutMs: number;
  readonly discoverMembers: boolean;
}

export function readEtcd(vars: Variables): EtcdConfig {
  const files = readTls(vars);
  // What was given counts, not what could be read: an unreadable CA must not turn an endpoint into http.
  const tlsFilesGiven = (['ETCDCTL_CACERT', 'ETCDCTL_CERT', 'ETCDCTL_KEY'] as const).some(
    (variable) => vars.given(variable) !== undefined,
  );
  const endpoints = readEndpoints(vars, tlsFilesGiven);
  return {
    endpoints,
    tls: endpoints.some(isTls) ? files : undefined,
    credentials: readCredentials(vars),
    dialTimeoutMs: vars.read('ETCDCTL_DIAL_TIMEOUT', (it) => it.default('5s').asDuration()),
    commandTimeoutMs: vars.read('ETCDCTL_COMMAND_TIMEOUT', (it) => it.default('10s').asDuration()),
    discoverMembers: vars.read('DISCOVER_MEMBERS', (it) => it.default('true').asTrueOrFalse()),
  };
}
