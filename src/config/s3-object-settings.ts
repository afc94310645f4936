import { oneOf, type Parameters, plain, TAG } from './s3-parameters.ts';

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
/** Those that can be read at once: a backup in the others could be neither proved nor fetched when it is needed. */
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

/** What S3 itself allows for one object. */
const MAX_TAGS = 10;
const TAG_TEXT = /^[\p{L}\p{N}\p{Z}_.:/=+@-]{1,128}$/u;
/** A century: more is a typing error that nobody could take back in compliance mode. */
const MAX_LOCK_DAYS = 36_500;

/** Throws an Error whose message goes on after the words "it " and holds no secret. */
export function objectSettingsOf(parameters: Parameters): S3ObjectSettings {
  const settings = { ...encryptionOf(parameters), ...lockOf(parameters) };
  const storageClass = oneOf(parameters, 'storageClass', STORAGE_CLASSES);
  return {
    ...settings,
    ...(storageClass !== undefined && { storageClass }),
    tags: tagsOf(parameters),
  };
}

function encryptionOf(parameters: Parameters): Pick<S3ObjectSettings, 'serverSideEncryption' | 'kmsKeyId'> {
  const serverSideEncryption = oneOf(parameters, 'serverSideEncryption', ENCRYPTIONS);
  const kmsKeyId = parameters.get('kmsKeyId');
  if (kmsKeyId !== undefined && !serverSideEncryption?.startsWith('aws:kms')) {
    throw new Error('has a kmsKeyId, for which serverSideEncryption should be aws:kms or aws:kms:dsse');
  }
  // It goes into a header.
  if (kmsKeyId !== undefined && !/^[\x21-\x7e]+$/.test(kmsKeyId)) {
    throw new Error(
      'has a wrong kmsKeyId, which should be the ID, the ARN or the alias of a key, in one word',
    );
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
