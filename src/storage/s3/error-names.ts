import type { Explanation } from '../errors.ts';

const CREDENTIALS =
  'check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or the role of the pod)';

const ENDPOINT =
  'check endpoint_url in the AWS configuration, and AWS_ENDPOINT_URL_S3: it begins with http:// or https://';

/** Servers that know less than AWS: mostly it is the checksums that the SDK adds to what it sends. */
export const CHECKSUMS: Explanation = {
  code: 'not-implemented',
  why: 'the server does not know something that it was asked for, most likely the checksums of the AWS SDK',
  advice:
    'set AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED (Cloudflare R2, Backblaze B2 and others need it); where it is set, look up what the server lacks',
};

/** What the names mean that S3 servers, the network and the SDK give their errors. */
const NAMES: Record<string, Explanation> = {
  NoSuchBucket: {
    code: 'no-store',
    why: 'there is no such bucket',
    advice: 'create it, or correct BACKUP_STORE or AWS_ENDPOINT_URL_S3; buckets are never created by a run',
  },
  InvalidAccessKeyId: {
    code: 'access',
    why: 'the server does not know the access key',
    advice: CREDENTIALS,
  },
  XAdminUserNotFound: {
    code: 'access',
    why: 'the server does not know the access key',
    advice: CREDENTIALS,
  },
  SignatureDoesNotMatch: {
    code: 'access',
    why: 'the secret key does not fit the access key',
    advice: CREDENTIALS,
  },
  ExpiredToken: { code: 'access', why: 'the session token has expired', advice: CREDENTIALS },
  InvalidToken: { code: 'access', why: 'the session token is not valid', advice: CREDENTIALS },
  EndpointError: {
    code: 'other',
    why: 'the address of the server is no URL, or does not go with the other settings',
    advice:
      'check AWS_ENDPOINT_URL_S3, or endpoint_url in the AWS configuration (it begins with http:// or https://), AWS_REGION, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and the bucket in BACKUP_STORE',
  },
  ERR_INVALID_URL: { code: 'other', why: 'the address of the server is no URL', advice: ENDPOINT },
  ERR_INVALID_CHAR: {
    code: 'other',
    why: 'a line break or a character that no header takes is in the credentials or the settings',
    advice: `${CREDENTIALS}: a file or a Secret may end in a line break`,
  },
  RequestTimeTooSkewed: {
    code: 'other',
    why: "this node's clock and the server's are too far apart",
    advice: 'set the clock of the one that is wrong (NTP)',
  },
  NoSuchKey: { code: 'not-found', why: 'it does not exist', advice: 'look at what is in the bucket' },
  NotFound: { code: 'not-found', why: 'it does not exist', advice: 'look at what is in the bucket' },
  NoSuchUpload: {
    code: 'not-found',
    why: 'the unfinished upload was ended by somebody else',
    advice: 'look for a lifecycle rule of the bucket that aborts uploads sooner than BACKUP_TIMEOUT',
  },
  InvalidObjectState: {
    code: 'other',
    why: 'it is archived and cannot be read at once',
    advice: 'restore it in S3 first, and keep lifecycle rules from archiving backups',
  },
  EntityTooLarge: {
    code: 'too-large',
    why: 'the server takes nothing so large',
    advice: "look at the server's limits",
  },
  BadDigest: {
    code: 'damaged',
    why: 'it arrived damaged',
    advice: 'look at the network between this node and the server',
  },
  CERT_HAS_EXPIRED: {
    code: 'unreachable',
    why: "the server's certificate has expired",
    advice: "renew it, and look at this node's clock",
  },
  CERT_NOT_YET_VALID: {
    code: 'unreachable',
    why: "the server's certificate is not valid yet",
    advice: "look at this node's clock and the server's",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'unreachable',
    why: "the server's certificate has another name",
    advice:
      "check the host name in AWS_ENDPOINT_URL_S3; where the bucket's name stands before it, forcePathStyle=true in BACKUP_STORE may be missing",
  },
  ENOTFOUND: {
    code: 'unreachable',
    why: "the server's name is not known",
    advice:
      "check AWS_ENDPOINT_URL_S3, AWS_REGION and DNS; where the bucket's name stands before the server's, forcePathStyle=true in BACKUP_STORE may be missing",
  },
  EAI_AGAIN: {
    code: 'unreachable',
    why: "DNS did not tell the server's address",
    advice: "check the node's DNS",
  },
};

const PATTERNS: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^(QuotaExceeded|XMinioStorageFull|NoSpaceLeftOnDevice|InsufficientCapacity|ServiceQuotaExceeded)/,
    {
      code: 'no-space',
      why: 'the server has no room left',
      advice: 'make room there, or keep fewer backups (BACKUP_KEEP_*)',
    },
  ],
  [
    /^(KMS\.|KMSInvalid|KMSNotFound)/,
    {
      code: 'other',
      why: 'the KMS key cannot be used',
      advice: 'check kmsKeyId in BACKUP_STORE, and who may use that key',
    },
  ],
  [
    /^(ObjectLockConfigurationNotFound|InvalidBucketState)/,
    {
      code: 'other',
      why: 'the bucket has no object lock',
      advice: 'turn it on there, or leave objectLock* out of BACKUP_STORE',
    },
  ],
  [
    /^(EPROTO|ERR_SSL)/,
    {
      code: 'unreachable',
      why: 'TLS was not spoken',
      advice: 'check http:// and https:// in AWS_ENDPOINT_URL_S3 and the port',
    },
  ],
  [
    /CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_TLS/,
    {
      code: 'unreachable',
      why: "the server's certificate is not trusted",
      advice:
        'name the file of its CA in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS, and check the host name in AWS_ENDPOINT_URL_S3',
    },
  ],
  [
    /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|TimeoutError)/,
    {
      code: 'unreachable',
      why: 'the server could not be reached, or the connection broke',
      advice: 'check AWS_ENDPOINT_URL_S3 and AWS_REGION, the network, firewalls and the server itself',
    },
  ],
];

/** What an error of that name means; undefined for a name that tells nothing by itself. */
export function byName(name: string): Explanation | undefined {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : PATTERNS.find(([pattern]) => pattern.test(name))?.[1];
}
