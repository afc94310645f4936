import { abortable } from '../../util/abortable.ts';
import { type S3Request, toStoreError } from './errors.ts';
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
 * Sends a request, which gets its options from here: it ends with the folder's signal.
 * @throws StoreError for what S3, the network or the SDK refuses; the signal's reason when it says so
 */
export async function attempt<T>(
  { signal }: Folder,
  request: S3Request,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  try {
    // The SDK itself looks at the signal only when its pause before another try is over.
    return await abortable(send({ abortSignal: signal }), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toStoreError(request, error);
  }
}
