import { abortable } from '../../util/abortable.ts';
import { StoreError } from '../errors.ts';
import { UnfitAnswer } from './answer.ts';
import { NOT_S3, type S3Request, toStoreError } from './errors.ts';
import { type Folder, urlOf } from './folder.ts';

/** A request on one object. */
export function requestOn(folder: Folder, name: string, action: string, permission: string): S3Request {
  const resource = `arn:aws:s3:::${folder.bucket}/${folder.prefix}*`;
  return { action, target: urlOf(folder, name), permission, resource };
}

export const writingOf = (folder: Folder, name: string): S3Request =>
  requestOn(folder, name, 'write', 's3:PutObject');

/** A request on the bucket. */
export function requestOnBucket(folder: Folder, action: string, permission: string): S3Request {
  return { action, target: urlOf(folder), permission, resource: `arn:aws:s3:::${folder.bucket}` };
}

/**
 * Sends a request, which gets its options from here: it ends with the folder's signal, and when its time is over. Of
 * an object that is read the time is that until its bytes begin to come.
 * @throws StoreError for what S3, the network or the SDK refuses, and for what is no answer of S3's; the signal's reason
 *   when it says so
 */
export async function attempt<T>(
  { signal, requestTimeoutMs }: Folder,
  request: S3Request,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  // No `AbortSignal.timeout`: the bytes of an object may come for longer, and end with the signal that their request had.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), requestTimeoutMs);
  const ending = AbortSignal.any([signal, late.signal]);
  try {
    // The SDK itself looks at the signal only when its pause before another try is over.
    return await abortable(send({ abortSignal: ending }), ending);
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) throw tooSlow(request, requestTimeoutMs);
    throw unfit(request, error) ?? toStoreError(request, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Of what comes, but does not come to an end. */
export function tooSlow({ action, target }: S3Request, ms: number): StoreError {
  return new StoreError(
    'unreachable',
    `could not ${action} ${target}: it took the server more than ${ms / 1000} s`,
    'look at the server and at the network between it and this node',
  );
}

/** Undefined for what S3 itself or the network said. */
function unfit({ action, target }: S3Request, error: unknown): StoreError | undefined {
  const why =
    error instanceof UnfitAnswer ? error.message : isUnreadSuccess(error) && 'its answer cannot be read';
  if (why === false) return undefined;
  const problem = `could not ${action} ${target}: ${NOT_S3.why}, ${why}`;
  return new StoreError(NOT_S3.code, problem, NOT_S3.advice, error);
}

/** Whether the SDK could not read the answer to what succeeded: what was in it is not known then. */
function isUnreadSuccess(error: unknown): boolean {
  if (!(error instanceof Error) || !('$response' in error) || '$fault' in error) return false;
  const status: unknown = Object(error.$response).statusCode;
  return typeof status === 'number' && status < 300;
}
