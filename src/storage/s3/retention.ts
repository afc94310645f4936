import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { formatTime } from '../../util/format.ts';
import { isStoreError, RetainedError } from '../errors.ts';
import { type Folder, objectOf, urlOf } from './folder.ts';
import { attempt, requestOn } from './request.ts';

/**
 * What to throw where an object was not removed. S3 and its like say no more than "access denied" of an object that is
 * locked, so it is asked itself; what that does not tell leaves the error as it is.
 */
export async function removalRefused(folder: Folder, name: string, error: unknown): Promise<unknown> {
  if (!isStoreError(error, 'access') && !isStoreError(error, 'other')) return error;
  const request = requestOn(folder, name, 'look at', 's3:GetObject');
  const command = new HeadObjectCommand(objectOf(folder, name));
  try {
    const head = await attempt(folder, request, (options) => folder.client.send(command, options));
    return retained(urlOf(folder, name), head, error) ?? error;
  } catch {
    folder.signal.throwIfAborted();
    return error;
  }
}

function retained(
  url: string,
  { ObjectLockMode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus }: HeadObjectCommandOutput,
  cause: unknown,
): RetainedError | undefined {
  if (ObjectLockLegalHoldStatus === 'ON') {
    const advice = 'it stays until somebody takes the hold off';
    return new RetainedError(`${url} is kept by the bucket: a legal hold is on it`, advice, { cause });
  }
  // A time that is over by this clock keeps nothing, unless the server's is behind.
  if (until === undefined || until.getTime() <= Date.now()) return undefined;
  const lock = `object lock, ${ObjectLockMode ?? 'of an unknown mode'}`;
  return new RetainedError(
    `${url} is kept by the bucket until ${formatTime(until)} (${lock})`,
    'a run after that time removes it',
    { until, cause },
  );
}
