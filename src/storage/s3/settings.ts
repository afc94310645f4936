import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { S3ObjectSettings } from '../../config/config.ts';
import { DAY_MS } from '../../util/time.ts';

/** What a request that makes an object says about it, in one piece or in parts. */
export type ObjectSettings = Pick<
  CreateMultipartUploadCommandInput,
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'StorageClass'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'Tagging'
>;

/** The settings as S3 names them. `now` is where the days of an object lock begin, in milliseconds since 1970. */
export function objectSettings(settings: S3ObjectSettings, now: number): ObjectSettings {
  const { serverSideEncryption, kmsKeyId, storageClass, objectLock, tags } = settings;
  const tagging = Object.entries(tags)
    .map((tag) => tag.map(encodeURIComponent).join('='))
    .join('&');
  return {
    ...(serverSideEncryption !== undefined && { ServerSideEncryption: serverSideEncryption }),
    ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass !== undefined && { StorageClass: storageClass }),
    ...(objectLock !== undefined && {
      ObjectLockMode: objectLock.mode,
      ObjectLockRetainUntilDate:
        'until' in objectLock ? objectLock.until : new Date(now + objectLock.days * DAY_MS),
    }),
    ...(tagging !== '' && { Tagging: tagging }),
  };
}
