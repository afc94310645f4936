import type { S3Access } from './s3-access.ts';
import { objectSettingsOf, type S3ObjectSettings } from './s3-object-settings.ts';
import { oneOf, parametersOf } from './s3-parameters.ts';
import type { StoreKind } from './store-kind.ts';

export type { S3ObjectSettings } from './s3-object-settings.ts';

/** An S3 bucket, or a part of one. Credentials and endpoint are no part of it: the AWS SDK finds them. */
export interface S3StoreConfig extends S3ObjectSettings {
  readonly kind: 's3';
  readonly bucket: string;
  /** Without a slash at either end; empty for the bucket's root. */
  readonly prefix: string;
  /** `https://host/bucket` instead of `https://bucket.host`, as most servers other than AWS want it. */
  readonly forcePathStyle: boolean;
  /** Undefined: as the AWS SDK does it by itself. */
  readonly access?: S3Access | undefined;
}

const ALLOWED = 'should be s3://bucket/prefix';

export const s3Store = {
  scheme: 's3',
  example: 's3://bucket/prefix',
  parse: s3StoreOf,
} satisfies StoreKind;

/** Reads an S3 store's URL; throws an Error whose message goes on after the words "it " and holds no secret. */
export function s3StoreOf(text: string): S3StoreConfig {
  const url = URL.parse(text);
  if (url === null || !text.startsWith('s3://')) throw new Error(ALLOWED);
  if (url.username !== '' || url.password !== '') {
    throw new Error(
      `${ALLOWED}, without credentials: they belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into what else the AWS SDK looks for`,
    );
  }
  if (url.hash !== '') throw new Error(`${ALLOWED}, with no fragment (write # as %23)`);
  const parameters = parametersOf(url.searchParams);
  const settings = objectSettingsOf(parameters);
  return {
    kind: 's3',
    bucket: bucketOf(url),
    prefix: prefixOf(text),
    forcePathStyle: oneOf(parameters, 'forcePathStyle', ['true', 'false']) === 'true',
    ...settings,
  };
}

function bucketOf({ hostname, port }: URL): string {
  // Beyond today's rules of AWS: old buckets and other servers' have capitals and underscores.
  if (port !== '' || !/^[a-z0-9][a-z0-9._-]{1,253}[a-z0-9]$/i.test(hostname)) {
    throw new Error(
      `${ALLOWED}, the bucket's plain name first; another server than AWS is named by AWS_ENDPOINT_URL_S3`,
    );
  }
  return hostname;
}

function prefixOf(text: string): string {
  // Not URL's own pathname, which has followed ".." already.
  const path = /^s3:\/\/[^/?#]*([^?#]*)/.exec(text)?.[1] ?? '';
  const prefix = decoded(path).replace(/^\/|\/$/g, '');
  const parts = prefix === '' ? [] : prefix.split('/');
  // Some servers keep objects as files; there such parts lead elsewhere.
  if (parts.some((part) => part === '' || part === '.' || part === '..') || /\p{Cc}/u.test(prefix)) {
    throw new Error(
      `${ALLOWED}, with a prefix that has no empty parts, no "." and "..", and no control characters`,
    );
  }
  return prefix;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new Error(`${ALLOWED}, with % only where a character's code follows (write % itself as %25)`, {
      cause: error,
    });
  }
}
