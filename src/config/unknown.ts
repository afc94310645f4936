import type { Variables } from './variables.ts';

/** Variables of etcdctl, of now and of its v2 days, that would change the connection: why not, and what instead. */
const refused: Readonly<Record<string, string>> = {
  ETCDCTL_INSECURE_SKIP_TLS_VERIFY:
    "is not supported, since a server that is not verified can be anybody's; give its CA in ETCDCTL_CACERT",
  ETCDCTL_INSECURE_TRANSPORT: 'is not supported; say https:// or http:// in ETCDCTL_ENDPOINTS',
  ETCDCTL_DISCOVERY_SRV:
    'is not supported; list the members in ETCDCTL_ENDPOINTS (one that answers is enough)',
  ETCDCTL_DISCOVERY_SRV_NAME: 'is not supported; list the members in ETCDCTL_ENDPOINTS',
  ETCDCTL_INSECURE_DISCOVERY: 'is not supported; list the members in ETCDCTL_ENDPOINTS',
  ETCDCTL_KEEPALIVE_TIME: 'is not supported; unset it (connections are watched without it)',
  ETCDCTL_KEEPALIVE_TIMEOUT: 'is not supported; unset it (connections are watched without it)',
  ETCDCTL_MAX_REQUEST_BYTES: 'is not supported; unset it (no request here is large)',
  ETCDCTL_MAX_RECV_BYTES: 'is not supported; unset it (answers are not limited)',
  ETCDCTL_AUTH_JWT_TOKEN: 'is not supported; use ETCDCTL_USER and ETCDCTL_PASSWORD, or a client certificate',
  ETCDCTL_ENDPOINT: 'is of the v2 API; use ETCDCTL_ENDPOINTS',
  ETCDCTL_PEERS: 'is of the v2 API; use ETCDCTL_ENDPOINTS',
  ETCDCTL_CA_FILE: 'is of the v2 API; use ETCDCTL_CACERT',
  ETCDCTL_CERT_FILE: 'is of the v2 API; use ETCDCTL_CERT',
  ETCDCTL_KEY_FILE: 'is of the v2 API; use ETCDCTL_KEY',
  ETCDCTL_USERNAME: 'is of the v2 API; use ETCDCTL_USER',
};

/** Variables of etcdctl that concern its output or its own commands: an operator's shell may have them set. */
const ignored = new Set([
  'ETCDCTL_API',
  'ETCDCTL_DEBUG',
  'ETCDCTL_HEX',
  'ETCDCTL_WATCH_KEY',
  'ETCDCTL_WATCH_RANGE_END',
  'ETCDCTL_WRITE_OUT',
]);

/** What Kubernetes itself puts into a pod for every Service, here one that happens to be named `backup`, say. */
const ofService =
  /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/**
 * Looks at the variables that nobody read, so it has to come last. A misspelt connection variable is refused: without
 * it `ETCDCTL_CACERTS` would mean "no CA". One of our own groups is a warning, for the prefixes are common words.
 */
export function checkUnknownVariables(vars: Variables): void {
  const unknown = vars.unread().filter((variable) => !ofService.test(variable) && !ignored.has(variable));
  for (const variable of unknown) {
    if (variable.startsWith('ETCDCTL_')) {
      vars.report(
        variable,
        refused[variable] ?? 'is not a variable that etcdctl knows; correct its name or unset it',
      );
    } else if (/^(BACKUP|COMPACTION|DEFRAG|METRICS|HEARTBEAT|OBJECT)_/.test(variable)) {
      vars.warn(`${variable} is not known and has no effect; is its name misspelt?`);
    }
  }
}
