import { ExplainedError, Failure, isBug, messageOf } from '../errors.ts';
import { explained } from './client/explanations.ts';

/** Why etcd, or the way to it, did not do what was asked. */
export type EtcdErrorCode =
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'access'
  | 'no-leader'
  | 'not-leader'
  | 'no-space'
  | 'corrupt'
  | 'compacted'
  | 'future-revision'
  | 'lease-not-found'
  | 'cancelled'
  | 'other';

/** An error of one call to one member, with etcd's words and a kind to act on. */
export class EtcdError extends ExplainedError {
  override readonly name = 'EtcdError';
  readonly code: EtcdErrorCode;

  constructor(code: EtcdErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

// etcd's own words (api/v3rpc/rpctypes/error.go) and those of Node's TLS. The first that fits wins, so the order
// matters: a TLS failure reaches us as "unavailable", a lost leader as a time-out, and a host may be named etcd-tls.
const PATTERNS: readonly [RegExp, EtcdErrorCode][] = [
  [/required revision has been compacted/, 'compacted'],
  [/required revision is a future revision/, 'future-revision'],
  [/database space exceeded/, 'no-space'],
  [/corrupt cluster|corrupt alarm/, 'corrupt'],
  [/lease not found/, 'lease-not-found'],
  [/etcdserver: no leader|leader changed|timed out, possibly due to/, 'no-leader'],
  [/not leader/, 'not-leader'],
  [
    /authentication failed|permission denied|invalid auth token|user name is empty|user name not found|auth.* is not enabled/,
    'access',
  ],
  [/^7 |^16 /, 'access'],
  [/^4 |DEADLINE_EXCEEDED|request timed out/, 'timeout'],
  [/^1 /, 'cancelled'],
  [
    /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN|Name resolution failed/,
    'unreachable',
  ],
  [/certificate|\bSSL\b|\bTLS\b|self.signed|tlsv1|EPROTO|ERR_SSL|altnames/i, 'tls'],
  [/^14 |UNAVAILABLE|ECONNRESET/, 'unreachable'],
];

/**
 * Turns whatever etcd3, gRPC or HTTP/2 threw into a `EtcdError`. etcd3 drops gRPC's status code, but keeps it at the
 * front of the message (`14 UNAVAILABLE: ...`), so that the message is what is read.
 */
export function toEtcdError(error: unknown): EtcdError {
  // A failure of the run, above all its end by a signal, is nothing that etcd refused.
  if (error instanceof Failure || isBug(error)) throw error;
  if (error instanceof EtcdError) return error;
  const text = messageOf(error).replace(/^(?:\w*Error: )+/, '');
  const kind = PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
  return new EtcdError(kind, explained(text), { cause: error });
}
