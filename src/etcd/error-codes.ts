/**
 * Why etcd, or the way to it, did not do what was asked: the closed set on which decisions are made.
 *
 * - `unreachable`: no connection, whether nobody listens, TLS failed or it broke; or the member says so of itself
 * - `timeout`: no answer in time; what was asked may be going on
 * - `access`: the user or the password does not do
 * - `token`: the token does not do: it is too old, was forgotten at a restart, or users or roles changed since
 * - `no-leader`: an election is going on, or there is no quorum
 * - `learner`: the member is one, and refuses this
 * - `other-member`: a member other than the one that was meant answered
 * - `downgrading`: a downgrade is enabled
 * - `no-member`: what answers is no member of a cluster: a proxy, or a member that was removed
 */
export type EtcdErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'access'
  | 'token'
  | 'no-leader'
  | 'not-leader'
  | 'learner'
  | 'no-space'
  | 'corrupt'
  | 'compacted'
  | 'future-revision'
  | 'lease-not-found'
  | 'downgrading'
  | 'other-member'
  | 'no-member'
  | 'cancelled'
  | 'other';

/** How a gRPC call ended: its number, and the server's words without any frame around them. */
export interface GrpcStatus {
  code: number;
  details: string;
}

/** What a member without a leader says, in an error and among the `errors` of its Status. */
export const NO_LEADER = 'etcdserver: no leader';

/**
 * etcd's own descriptions, compared whole: one gRPC number stands for many of them, and it is by them that etcd's own
 * client tells its errors apart (api/v3rpc/rpctypes/error.go).
 */
const BY_DESCRIPTION: ReadonlyMap<string, EtcdErrorCode> = new Map([
  ['etcdserver: mvcc: required revision has been compacted', 'compacted'],
  ['etcdserver: mvcc: required revision is a future revision', 'future-revision'],
  ['etcdserver: mvcc: database space exceeded', 'no-space'],
  ['etcdserver: corrupt cluster', 'corrupt'],
  ['etcdserver: requested lease not found', 'lease-not-found'],
  ['etcdserver: cluster has a downgrade job in progress', 'downgrading'],
  [NO_LEADER, 'no-leader'],
  ['etcdserver: leader changed', 'no-leader'],
  ['etcdserver: request timed out, possibly due to previous leader failure', 'no-leader'],
  ['etcdserver: request timed out, possibly due to connection lost', 'no-leader'],
  ['etcdserver: not leader', 'not-leader'],
  ['etcdserver: rpc not supported for learner', 'learner'],
  ['etcdserver: request timed out', 'timeout'],
  ['etcdserver: request timed out, waiting for the applied index took too long', 'timeout'],
  ['etcdserver: authentication failed, invalid user ID or password', 'access'],
  ['etcdserver: permission denied', 'access'],
  ['etcdserver: invalid auth token', 'token'],
  ['etcdserver: revision of auth store is old', 'token'],
  ['etcdserver: user name is empty', 'access'],
  ['etcdserver: user name not found', 'access'],
  ['etcdserver: authentication is not enabled', 'access'],
  // gRPC's own words for a connection that is told to go away (ENHANCE_YOUR_CALM, as for too many pings).
  ['Bandwidth exhausted or memory limit exceeded', 'unreachable'],
  // The same from inside the server, which 3.4 and 3.5 let out as they are in some calls (number 2, UNKNOWN).
  ['mvcc: required revision has been compacted', 'compacted'],
  ['mvcc: required revision is a future revision', 'future-revision'],
  ['lease not found', 'lease-not-found'],
  ['auth: authentication failed, invalid user ID or password', 'access'],
  ['auth: authentication failed, password was given for no password user', 'access'],
  ['auth: permission denied', 'access'],
  ['auth: invalid auth token', 'token'],
  ['auth: revision in header is old', 'token'],
  ['auth: user name is empty', 'access'],
  ['auth: authentication is not enabled', 'access'],
] satisfies [string, EtcdErrorCode][]);

/** What a gRPC number (google.golang.org/grpc/codes) says by itself; those left out are `other`. */
const BY_NUMBER: ReadonlyMap<number, EtcdErrorCode> = new Map([
  [1, 'cancelled'],
  [4, 'timeout'],
  [7, 'access'],
  [14, 'unreachable'],
  [16, 'access'],
] satisfies [number, EtcdErrorCode][]);

export const codeOfStatus = ({ code, details }: GrpcStatus): EtcdErrorCode =>
  BY_DESCRIPTION.get(details) ?? BY_NUMBER.get(code) ?? 'other';

/** Node's codes for a connection that did not come about, or broke. */
const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** The same for what no gRPC status came of, by Node's `code` of it or of its cause. */
export function codeOfNode(error: unknown): EtcdErrorCode {
  if (!(error instanceof Error)) return 'other';
  if ('code' in error && NETWORK_CODES.has(error.code)) return 'unreachable';
  return codeOfNode(error.cause);
}

/**
 * Whether what was asked may have been done, or be going on, though the call failed. A lost answer is no answer: a
 * connection that was cut, a deadline, a call that somebody in between cancelled say nothing of what the member does.
 * "No" is only what etcd itself refuses before it begins.
 */
export function mayHaveBeenDone(code: EtcdErrorCode): boolean {
  switch (code) {
    case 'access':
    case 'token':
    case 'not-leader':
    case 'learner':
    case 'no-space':
    case 'corrupt':
    case 'compacted':
    case 'future-revision':
    case 'lease-not-found':
    case 'downgrading':
    case 'other-member':
    case 'no-member':
      return false;
    case 'unreachable':
    case 'timeout':
    case 'cancelled':
    // A leader that was lost on the way may have handed the request on before.
    case 'no-leader':
    // A status of etcd's own that stands for anything, or one that came of a broken stream.
    case 'other':
      return true;
    default:
      return code satisfies never;
  }
}
