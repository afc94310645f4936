/** An S3 bucket, or a part of one. Credentials, region and endpoint are no part of it: the AWS SDK finds them. */
export interface S3StoreConfig extends S3ObjectSettings {
  readonly kind: 's3';
  readonly bucket: string;
  /** Without a slash at either end; empty for the bucket's root. */
  readonly prefix: string;
  /** `https://host/bucket` instead of `https://bucket.host`, as most servers other than AWS want it. */
  readonly forcePathStyle: boolean;
}

/** What every object is to be stored with; what is left out is the bucket's own default. */
export interface S3ObjectSettings {
  readonly serverSideEncryption?: ServerSideEncryption;
  readonly kmsKeyId?: string;
  readonly storageClass?: StorageClass;
  readonly objectLock?: ObjectLock;
  readonly tags: Readonly<Record<string, string>>;
}

/** For so many days from the start of the upload, or until that time. */
export type ObjectLock = { readonly mode: LockMode } & ({ readonly days: number } | { readonly until: Date });

const ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const;
/** Those that can be read at once: a backup in the others could be neither proved nor fetched in a bad night. */
const STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'EXPRESS_ONEZONE',
  'REDUCED_REDUNDANCY',
] as const;
const LOCK_MODES = ['GOVERNANCE', 'COMPLIANCE'] as const;
type ServerSideEncryption = (typeof ENCRYPTIONS)[number];
type StorageClass = (typeof STORAGE_CLASSES)[number];
type LockMode = (typeof LOCK_MODES)[number];

const ALLOWED = 'should be s3://bucket/prefix';
const PARAMETERS = [
  'forcePathStyle',
  'serverSideEncryption',
  'kmsKeyId',
  'storageClass',
  'objectLockMode',
  'objectLockDays',
  'objectLockUntil',
];
const TAG = 'tag.';
/** What S3 itself allows for one object. */
const MAX_TAGS = 10;
const TAG_TEXT = /^[\p{L}\p{N}\p{Z}_.:/=+@-]{1,128}$/u;
/** A century: more is a typing error that nobody could take back in compliance mode. */
const MAX_LOCK_DAYS = 36_500;

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
  const { objectLock, ...settings } = { ...encryptionOf(parameters), ...lockOf(parameters) };
  const storageClass = oneOf(parameters, 'storageClass', STORAGE_CLASSES);
  return {
    kind: 's3',
    bucket: bucketOf(url),
    prefix: prefixOf(text),
    forcePathStyle: oneOf(parameters, 'forcePathStyle', ['true', 'false']) === 'true',
    ...settings,
    ...(storageClass !== undefined && { storageClass }),
    ...(objectLock !== undefined && { objectLock }),
    tags: tagsOf(parameters),
  };
}

type Parameters = ReadonlyMap<string, string>;

function parametersOf(search: URLSearchParams): Parameters {
  const found = new Map<string, string>();
  for (const [name, value] of search) {
    if (!PARAMETERS.includes(name) && !(name.startsWith(TAG) && name.length > TAG.length)) {
      throw new Error(
        `has the parameter ${plain(name)}, which should be one of ${PARAMETERS.join(', ')}, ${TAG}NAME`,
      );
    }
    if (found.has(name))
      throw new Error(`has the parameter ${plain(name)} twice, and it should be there once`);
    if (value === '')
      throw new Error(`has the parameter ${plain(name)} without a value; give it one or leave it out`);
    found.set(name, value);
  }
  return found;
}

/** A name may be shown; what is put in its place by mistake may be a secret. */
const plain = (name: string): string => (/^[a-z][a-zA-Z.-]{0,30}$/.test(name) ? name : '(not shown)');

function oneOf<T extends string>(parameters: Parameters, name: string, allowed: readonly T[]): T | undefined {
  const given = parameters.get(name);
  if (given === undefined) return undefined;
  const found = allowed.find((value) => value === given);
  if (found === undefined)
    throw new Error(`has a wrong ${name}, which should be one of ${allowed.join(', ')}`);
  return found;
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

function encryptionOf(parameters: Parameters): Pick<S3ObjectSettings, 'serverSideEncryption' | 'kmsKeyId'> {
  const serverSideEncryption = oneOf(parameters, 'serverSideEncryption', ENCRYPTIONS);
  const kmsKeyId = parameters.get('kmsKeyId');
  if (kmsKeyId !== undefined && !serverSideEncryption?.startsWith('aws:kms')) {
    throw new Error('has a kmsKeyId, for which serverSideEncryption should be aws:kms or aws:kms:dsse');
  }
  return {
    ...(serverSideEncryption !== undefined && { serverSideEncryption }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
  };
}

function lockOf(parameters: Parameters): Pick<S3ObjectSettings, 'objectLock'> {
  const mode = oneOf(parameters, 'objectLockMode', LOCK_MODES);
  const days = parameters.get('objectLockDays');
  const until = parameters.get('objectLockUntil');
  if (mode === undefined && days === undefined && until === undefined) return {};
  if (mode === undefined || (days === undefined) === (until === undefined)) {
    throw new Error('should have objectLockMode together with either objectLockDays or objectLockUntil');
  }
  if (days !== undefined) return { objectLock: { mode, days: daysOf(days) } };
  return { objectLock: { mode, until: timeOf(until ?? '') } };
}

function daysOf(text: string): number {
  const days = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > MAX_LOCK_DAYS) {
    throw new Error(`has a wrong objectLockDays, which should be a whole number from 1 to ${MAX_LOCK_DAYS}`);
  }
  return days;
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(time.getTime())) {
    throw new Error('has a wrong objectLockUntil, which should be a time like 2030-01-31T00:00:00Z');
  }
  return time;
}

function tagsOf(parameters: Parameters): Record<string, string> {
  const tags = [...parameters].filter(([name]) => name.startsWith(TAG));
  if (tags.length > MAX_TAGS)
    throw new Error(`has ${tags.length} tags, and should have no more than ${MAX_TAGS}`);
  for (const [name, value] of tags) {
    if (TAG_TEXT.test(name.slice(TAG.length)) && TAG_TEXT.test(value)) continue;
    throw new Error(
      `has the tag ${plain(name)}, whose name and value should be up to 128 letters, digits, spaces and _ . : / = + - @`,
    );
  }
  return Object.fromEntries(tags.map(([name, value]) => [name.slice(TAG.length), value]));
}
