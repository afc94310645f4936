/**
 * What a variable's value is, and with that what of it may be shown. It is decided here, variable by variable, and never
 * by the look of a value: a password is still one where somebody forgot the `://` before it.
 *
 * - `public`: all of it may be shown
 * - `path`: a file's name; where it is none, somebody may have put the file's content there
 * - `address`: scheme, host and port may be shown; user, password, path and query may be secret
 * - `store`: an address whose path may be shown too
 * - `user`: a name, or a name and its password
 * - `hook`: an address whose path is a secret: whoever knows it may speak in the run's name
 * - `secret`: nothing may be shown
 */
export type Secrecy = 'public' | 'path' | 'address' | 'store' | 'user' | 'hook' | 'secret';

/** Every variable that is read here; a new one does not compile before it is decided. */
const VARIABLES = {
  ALARM_DISARM: 'public',
  BACKUP_AGE_IDENTITY_FILE: 'path',
  BACKUP_AGE_RECIPIENTS: 'public',
  BACKUP_CHECK_STRUCTURE: 'public',
  BACKUP_COMPRESSION: 'public',
  BACKUP_ENABLED: 'public',
  BACKUP_KEEP_DAILY: 'public',
  BACKUP_KEEP_LAST: 'public',
  BACKUP_KEEP_MONTHLY: 'public',
  BACKUP_KEEP_WEEKLY: 'public',
  BACKUP_SKIP_CONFIRMED: 'public',
  BACKUP_STORE: 'store',
  BACKUP_TIMEOUT: 'public',
  CLUSTER_ID: 'public',
  CLUSTER_NAME: 'public',
  COMPACTION_ENABLED: 'public',
  COMPACTION_RETENTION: 'public',
  COMPACTION_TIMEOUT: 'public',
  CONSISTENCY_CHECK: 'public',
  DEFRAG_ALLOW_KNOWN_BAD_VERSIONS: 'public',
  DEFRAG_ENABLED: 'public',
  DEFRAG_MIN_DB_SIZE: 'public',
  DEFRAG_MIN_FRAGMENTATION: 'public',
  DEFRAG_MIN_RECLAIM: 'public',
  DEFRAG_MOVE_LEADER: 'public',
  DEFRAG_QUOTA_USAGE: 'public',
  DEFRAG_SINGLE_MEMBER: 'public',
  DEFRAG_TIMEOUT: 'public',
  DEFRAG_WAIT: 'public',
  DISCOVER_MEMBERS: 'public',
  DRY_RUN: 'public',
  ETCDCTL_CACERT: 'path',
  ETCDCTL_CERT: 'path',
  ETCDCTL_COMMAND_TIMEOUT: 'public',
  ETCDCTL_DIAL_TIMEOUT: 'public',
  ETCDCTL_ENDPOINTS: 'address',
  ETCDCTL_KEY: 'path',
  ETCDCTL_PASSWORD: 'secret',
  ETCDCTL_USER: 'user',
  HEARTBEAT_URL: 'hook',
  KUBECONFIG: 'path',
  LOCK_TTL: 'public',
  LOG_LEVEL: 'public',
  METRICS_PUSHGATEWAY_URL: 'address',
  METRICS_TEXTFILE: 'public',
  NODE_NAME: 'public',
  OBJECT_COUNTS: 'public',
  OBJECT_PREFIX: 'public',
  POD_NAME: 'public',
  POD_NAMESPACE: 'public',
  QUOTA_BYTES: 'public',
  TERMINATION_LOG: 'public',
} as const satisfies Record<string, Secrecy>;

/** Variables that the AWS SDK and others know by these names; of some it is only looked at what they hold. */
const OF_OTHERS = {
  ALL_PROXY: 'address',
  AWS_ACCESS_KEY_ID: 'secret',
  AWS_CA_BUNDLE: 'path',
  AWS_CONFIG_FILE: 'path',
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'path',
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'hook',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: 'hook',
  AWS_DEFAULTS_MODE: 'public',
  AWS_DEFAULT_REGION: 'public',
  AWS_EC2_METADATA_DISABLED: 'public',
  AWS_ENDPOINT_URL: 'address',
  AWS_ENDPOINT_URL_S3: 'address',
  AWS_ENDPOINT_URL_STS: 'address',
  AWS_PROFILE: 'public',
  AWS_REGION: 'public',
  AWS_REQUEST_CHECKSUM_CALCULATION: 'public',
  AWS_RESPONSE_CHECKSUM_VALIDATION: 'public',
  AWS_ROLE_ARN: 'public',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'secret',
  AWS_SHARED_CREDENTIALS_FILE: 'path',
  AWS_WEB_IDENTITY_TOKEN_FILE: 'path',
  HOME: 'path',
  HTTPS_PROXY: 'address',
  HTTP_PROXY: 'address',
  NO_PROXY: 'public',
} as const satisfies Record<string, Secrecy>;

/** Those in lower case too: what a shell sets for a proxy mostly is. */
export type VariableName =
  | keyof typeof VARIABLES
  | keyof typeof OF_OTHERS
  | Lowercase<Extract<keyof typeof OF_OTHERS, `${string}_PROXY`>>;

/** Names that say so themselves, where nobody here knows the variable: a misspelt one, or another SDK's. */
const SECRET_NAME = /PASS|SECRET|TOKEN|CREDENTIAL|(?:^|_)KEY$/;
const FILE_NAME = /_(?:FILE|DIR|PATH)$/;

/** What a variable's value is. @param variable its name as it was given; proxies have theirs in lower case too */
export function secrecyOf(variable: string): Secrecy {
  const name = variable.toUpperCase();
  const known = Object.entries({ ...OF_OTHERS, ...VARIABLES }).find(([one]) => one === name);
  if (known) return known[1];
  return SECRET_NAME.test(name) && !FILE_NAME.test(name) ? 'secret' : 'public';
}
