import { isIPv4, isIPv6 } from 'node:net';
import { messageOf } from '../errors.ts';
import { shown } from './problems.ts';
import type { Variables } from './variables.ts';

const variable = 'ETCDCTL_ENDPOINTS';

/**
 * The endpoints as `http(s)://host:port`, each once, all of one scheme. One without a scheme gets https where
 * TLS files are given, else http, as etcdctl does it.
 */
export function readEndpoints(vars: Variables, tlsFilesGiven: boolean): string[] {
  const text = vars.given(variable) ?? 'https://127.0.0.1:2379';
  if (text.includes('@')) {
    // Not shown: what stands before an @ may be a password.
    vars.report(variable, 'holds an @; a user and a password belong in ETCDCTL_USER and ETCDCTL_PASSWORD');
    return [];
  }
  const defaultScheme = tlsFilesGiven ? 'https' : 'http';
  const endpoints: string[] = [];
  for (const item of text.split(',').map((part) => part.trim())) {
    try {
      endpoints.push(parseEndpoint(item, defaultScheme));
    } catch (error) {
      vars.report(variable, `has the item ${shown(variable, item)}; ${messageOf(error)}`);
    }
  }
  checkSchemes(vars, endpoints, tlsFilesGiven);
  return [...new Set(endpoints)];
}

/** Whether asking there would be in plain text though the operator gave https: then no peer's word makes it allowed. */
export const lowersProtection = (endpoint: string, given: readonly string[]): boolean =>
  !isTls(endpoint) && given.some(isTls);

/** Whether an endpoint, as it was parsed, is asked over TLS. */
export const isTls = (endpoint: string): boolean => endpoint.startsWith('https:');

/**
 * Reads one endpoint, that an operator gives or that a member advertises, as `http(s)://host:port` in one spelling.
 * Nothing else gets any further: gRPC would take `dns:`, `unix:` and the like for its own, and connect in plain text.
 * @throws Error that says what it should be
 */
export function parseEndpoint(item: string, defaultScheme: 'http' | 'https'): string {
  if (item === '') throw new Error('there should be an endpoint between every two commas');
  if (/^unixs?:/i.test(item)) {
    throw new Error('unix sockets are not supported; it should be https://host:port');
  }
  const [, scheme = defaultScheme, address = ''] = /^(?:([^/]*):\/\/)?(.*)$/s.exec(item) ?? [];
  if (!/^https?$/i.test(scheme)) throw new Error('its scheme should be https or http');
  // One slash at the end is the empty path, which etcdctl takes, too.
  const match = /^(\[[^\]]*\]|[^:/?#[\]]*)(?::([^:/?#]*))?\/?$/.exec(address);
  if (match === null) {
    throw new Error(
      'it should be https://host:port, with no path, no query, and an IPv6 address in brackets',
    );
  }
  const [, host = '', port] = match;
  if (!isHost(host)) {
    throw new Error('its host should be a DNS name, an IPv4 address, or an IPv6 address in brackets');
  }
  // To a URL no port means 443 or 80, and etcd listens on neither: better asked than guessed.
  if (port === undefined) throw new Error("it should name its port; etcd's is usually 2379");
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    throw new Error('its port should be from 1 to 65535');
  }
  // An IPv6 address has many spellings, of which a URL knows the shortest.
  const spelt = host.startsWith('[') ? new URL(`http://${host}`).hostname : host;
  return `${scheme}://${spelt}:${port}`.toLowerCase();
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1)) && !host.includes('%');
  // A last label of digits alone is an IPv4 address, and a wrong one is not a name.
  if (/(^|\.)\d+\.?$/.test(host)) return isIPv4(host);
  return (
    host.length <= 253 &&
    /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(host)
  );
}

function checkSchemes(vars: Variables, endpoints: readonly string[], tlsFilesGiven: boolean): void {
  const plain = endpoints.filter((endpoint) => !isTls(endpoint));
  if (plain.length === 0) return;
  if (plain.length < endpoints.length) {
    vars.report(variable, 'mixes https and http; all endpoints should have the same scheme');
    return;
  }
  if (tlsFilesGiven) {
    vars.report(
      variable,
      'is http, where ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY would be ignored; ' +
        'it should be https, or they should not be set',
    );
  }
}
