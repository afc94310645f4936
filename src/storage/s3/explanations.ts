import { codeOf, statusOf } from './sdk-error.ts';

/** A request, as far as a person has to know it when it fails. */
export interface S3Request {
  /** A verb phrase, as in "could not list". */
  readonly action: string;
  readonly target: string;
  /** What IAM calls the right to do it. */
  readonly permission: string;
  /** What that right is needed on. */
  readonly resource: string;
  readonly consequence?: string;
}

/** What an error means for a store, and what to do about it. */
export interface Explanation {
  why: string;
  advice: string;
}

const CREDENTIALS =
  'check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or the role of the pod)';
const LATER = 'look at the server; the next run tries again';

const EXPLANATIONS: Record<string, Explanation> = {
  NoSuchBucket: {
    why: 'there is no such bucket',
    advice: 'create it, or correct BACKUP_STORE or AWS_ENDPOINT_URL_S3; buckets are never created by a run',
  },
  InvalidAccessKeyId: { why: 'the server does not know the access key', advice: CREDENTIALS },
  XAdminUserNotFound: { why: 'the server does not know the access key', advice: CREDENTIALS },
  SignatureDoesNotMatch: { why: 'the secret key does not fit the access key', advice: CREDENTIALS },
  ExpiredToken: { why: 'the session token has expired', advice: CREDENTIALS },
  InvalidToken: { why: 'the session token is not valid', advice: CREDENTIALS },
  CredentialsProviderError: { why: 'no credentials were found', advice: CREDENTIALS },
  RequestTimeTooSkewed: {
    why: "this node's clock and the server's are too far apart",
    advice: 'set the clock of the one that is wrong (NTP)',
  },
  PreconditionFailed: {
    why: 'it is not as it was, or its name is taken',
    advice: 'look at what is there; nothing is ever overwritten',
  },
  NoSuchKey: { why: 'it does not exist', advice: 'look at what is in the bucket' },
  NotFound: { why: 'it does not exist', advice: 'look at what is in the bucket' },
  NoSuchUpload: {
    why: 'the unfinished upload was ended by somebody else',
    advice: 'look for a lifecycle rule of the bucket that aborts uploads sooner than BACKUP_TIMEOUT',
  },
  InvalidObjectState: {
    why: 'it is archived and cannot be read at once',
    advice: 'restore it in S3 first, and keep lifecycle rules from archiving backups',
  },
  EntityTooLarge: { why: 'the server takes nothing so large', advice: "look at the server's limits" },
  BadDigest: { why: 'it arrived damaged', advice: 'look at the network between this node and the server' },
  ENOTFOUND: {
    why: "the server's name is not known",
    advice:
      "check AWS_ENDPOINT_URL_S3, AWS_REGION and DNS; where the bucket's name stands before the server's, forcePathStyle=true in BACKUP_STORE may be missing",
  },
  EAI_AGAIN: { why: "DNS did not tell the server's address", advice: "check the node's DNS" },
};

const PATTERNS: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^(QuotaExceeded|XMinioStorageFull|NoSpaceLeftOnDevice|InsufficientCapacity|ServiceQuotaExceeded)/,
    { why: 'the server has no room left', advice: 'make room there, or keep fewer backups (BACKUP_KEEP_*)' },
  ],
  [
    /^(KMS\.|KMSInvalid|KMSNotFound)/,
    { why: 'the KMS key cannot be used', advice: 'check kmsKeyId in BACKUP_STORE, and who may use that key' },
  ],
  [
    /^(ObjectLockConfigurationNotFound|InvalidBucketState)/,
    {
      why: 'the bucket has no object lock',
      advice: 'turn it on there, or leave objectLock* out of BACKUP_STORE',
    },
  ],
  [
    /^(EPROTO|ERR_SSL)/,
    { why: 'TLS was not spoken', advice: 'check http:// and https:// in AWS_ENDPOINT_URL_S3 and the port' },
  ],
  [
    /CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_TLS/,
    {
      why: "the server's certificate is not trusted",
      advice:
        'name the file of its CA in NODE_EXTRA_CA_CERTS, and check the host name in AWS_ENDPOINT_URL_S3',
    },
  ],
  [
    /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|TimeoutError)/,
    {
      why: 'the server could not be reached, or the connection broke',
      advice: 'check AWS_ENDPOINT_URL_S3 and AWS_REGION, the network, firewalls and the server itself',
    },
  ],
];

/** The explanation for an error of S3, of the network or of the SDK. */
export function explain(asked: S3Request, error: Error): Explanation {
  const code = codeOf(error);
  return (
    EXPLANATIONS[code] ??
    PATTERNS.find(([pattern]) => pattern.test(code))?.[1] ??
    regionProblem(error) ??
    byStatus(asked, statusOf(error)) ?? {
      why: 'the server or the AWS SDK refused it',
      advice: 'look up the error that it gave',
    }
  );
}

function regionProblem(error: Error): Explanation | undefined {
  if (/^Region (is missing|not accepted)/.test(error.message)) {
    return {
      why: 'no region is set',
      advice: 'set AWS_REGION; servers other than AWS mostly take us-east-1',
    };
  }
  const wrong =
    /^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)/;
  if (!wrong.test(error.name) && statusOf(error) !== 301) return undefined;
  const region = headerOf(error, 'x-amz-bucket-region');
  return {
    why: 'the bucket is in another region',
    advice: region === undefined ? 'set AWS_REGION to that of the bucket' : `set AWS_REGION=${region}`,
  };
}

function headerOf(error: Error, name: string): string | undefined {
  const response = '$response' in error ? Object(error.$response) : {};
  const value: unknown = Object(response.headers)[name];
  return typeof value === 'string' && /^[a-z0-9-]{1,40}$/.test(value) ? value : undefined;
}

function byStatus({ permission, resource }: S3Request, status: number | undefined): Explanation | undefined {
  if (status === 401 || status === 403) {
    return {
      why: 'access denied',
      advice: `allow ${permission} on ${resource} to the credentials of this job`,
    };
  }
  if (status === 429 || (status !== undefined && status >= 500)) {
    return { why: 'the server is in trouble', advice: LATER };
  }
  return undefined;
}
