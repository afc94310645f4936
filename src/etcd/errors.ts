import { ExplainedError, Failure, isBug, messageOf } from '../errors.ts';
import { explained } from './client/explanations.ts';
import { codeOfNode, codeOfStatus, type EtcdErrorCode, type GrpcStatus } from './error-codes.ts';
import { grpcStatusOf } from './grpc-status.ts';

export { mayHaveBeenDone, type EtcdErrorCode } from './error-codes.ts';

/**
 * An error of one call to one member: a code to act on, and a message for people. The message is complete; the cause is
 * there for a stack.
 */
export class EtcdError extends ExplainedError {
  override readonly name = 'EtcdError';
  readonly code: EtcdErrorCode;

  constructor(code: EtcdErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The error for a gRPC status that is not OK. */
export const statusError = (status: GrpcStatus, cause?: unknown): EtcdError =>
  new EtcdError(codeOfStatus(status), explained(status.details), { cause });

/** The error for a connection that did not come about: whatever Node says of it, TLS too, nobody was reached. */
export const connectError = (error: Error): EtcdError =>
  new EtcdError('unreachable', explained(messageOf(error)), { cause: error });

/**
 * The border: turns whatever etcd3, gRPC or Node threw into an `EtcdError`.
 * @throws what no member answered: a Failure of the run (above all its end by a signal), and a bug
 */
export function toEtcdError(error: unknown): EtcdError {
  if (error instanceof Failure || isBug(error)) throw error;
  if (error instanceof EtcdError) return error;
  const status = grpcStatusOf(error);
  if (status !== undefined) return statusError(status, error);
  return new EtcdError(codeOfNode(error), explained(messageOf(error)), { cause: error });
}

/** The failure of a run to which etcd refuses a right that it needs. `where`: the endpoint. */
export function accessDenied(where: string, error: EtcdError): Failure {
  return new Failure(
    'configuration',
    `etcd refused access at ${where}: ${error.message}; nothing was changed. Check ETCDCTL_USER, ETCDCTL_PASSWORD ` +
      "and that the user has etcd's root role, which snapshots and maintenance need",
    { cause: error },
  );
}
