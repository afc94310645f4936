import {
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  EtcdRoleExistsError,
  EtcdRoleNotFoundError,
  EtcdRoleNotGrantedError,
  EtcdUserExistsError,
  EtcdUserNotFoundError,
  GRPCAbortedError,
  GRPCAlreadyExistsError,
  GRPCCancelledError,
  GRPCDataLossError,
  GRPCDeadlineExceededError,
  GRPCFailedPreconditionError,
  GRPCGenericError,
  GRPCInternalError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCNotImplementedError,
  GRPCOutOfRangeError,
  GRPCResourceExhastedError,
  GRPCUnauthenticatedError,
  GRPCUnavailableError,
  GRPCUnknownError,
  EtcdError as UnnumberedEtcdError,
} from 'etcd3';
import type { GrpcStatus } from './error-codes.ts';

/**
 * etcd3 drops the number of a unary call's status, but casts each number to a class of its own, and some of etcd's
 * descriptions too (lib/errors.js).
 */
const NUMBERS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [GRPCCancelledError, 1],
  [GRPCUnknownError, 2],
  [GRPCGenericError, 2],
  [UnnumberedEtcdError, 2],
  [GRPCInvalidArgumentError, 3],
  [EtcdAuthenticationFailedError, 3],
  [GRPCDeadlineExceededError, 4],
  [GRPCNotFoundError, 5],
  [GRPCAlreadyExistsError, 6],
  [EtcdPermissionDeniedError, 7],
  [GRPCResourceExhastedError, 8],
  [GRPCFailedPreconditionError, 9],
  [EtcdUserNotFoundError, 9],
  [EtcdUserExistsError, 9],
  [EtcdRoleNotFoundError, 9],
  [EtcdRoleExistsError, 9],
  [EtcdRoleNotGrantedError, 9],
  [GRPCAbortedError, 10],
  [GRPCOutOfRangeError, 11],
  [GRPCNotImplementedError, 12],
  [GRPCInternalError, 13],
  [GRPCUnavailableError, 14],
  [GRPCDataLossError, 15],
  [GRPCUnauthenticatedError, 16],
  [EtcdInvalidAuthTokenError, 16],
]);

/** The status that a client library's error stands for; undefined for one that is none. */
export function grpcStatusOf(error: unknown): GrpcStatus | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isServiceError(error)) return { code: error.code, details: error.details };
  // It puts its message into a sentence of its own.
  if (error instanceof EtcdLeaseInvalidError)
    return { code: 5, details: 'etcdserver: requested lease not found' };
  const code = NUMBERS.get(error.constructor);
  return code === undefined ? undefined : { code, details: withoutFrame(error.message) };
}

/** As grpc-js throws it: in streams, and in calls that etcd3 has no part in. */
const isServiceError = (error: Error): error is Error & GrpcStatus =>
  'code' in error &&
  typeof error.code === 'number' &&
  'details' in error &&
  typeof error.details === 'string';

/** grpc-js makes messages of the form `14 UNAVAILABLE: details`; etcd3 may put the name of its class before that. */
const withoutFrame = (message: string): string => message.replace(/^(?:\w*Error: )?\d+ [A-Z_]+: /, '');
