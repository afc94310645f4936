import { Failure, isBug } from '../../errors.ts';
import { WANTS_PASSWORD } from '../../util/proxies.ts';
import { type Explanation, StoreError } from '../errors.ts';
import { byName, CHECKSUMS } from './error-names.ts';
import {
  PROXY_ADVICE,
  codeOf,
  headerOf,
  isUnreadable,
  ProxyFault,
  redirectHostOf,
  said,
  statusOf,
} from './sdk-error.ts';

/** A request, as far as a person has to know it when it fails. */
export interface S3Request {
  /** A verb phrase, as in "could not list". */
  readonly action: string;
  readonly target: string;
  /** What IAM calls the right to do it. */
  readonly permission: string;
  /** What that right is needed on. */
  readonly resource: string;
}

/**
 * What to throw for an error of S3, of the network or of the SDK. A mistake of this program comes back as it is, and so
 * does what has its words already.
 */
export function toStoreError(request: S3Request, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Failure || isBug(error)) return error;
  const what = `could not ${request.action} ${request.target}`;
  if (error instanceof ProxyFault) {
    return new StoreError('unreachable', `${what}: ${error.message}`, PROXY_ADVICE, error);
  }
  const { code, why, advice } = explain(request, error);
  const problem = `${what}: ${why}${said(error)}`;
  if (NOT_SENT.has(codeOf(error)))
    return new Failure('configuration', `${problem}; ${advice}`, { cause: error });
  return new StoreError(isUnknownToServer(error) ? 'not-implemented' : code, problem, advice, error);
}

/** What the SDK and Node say before the first byte is sent. */
const NOT_SENT: ReadonlySet<string> = new Set(['EndpointError', 'ERR_INVALID_URL', 'ERR_INVALID_CHAR']);

function explain(request: S3Request, error: Error): Explanation {
  const name = codeOf(error);
  if (name === 'PreconditionFailed') return unmet(request);
  return (
    byName(name) ??
    regionProblem(error) ??
    (isUnknownToServer(error) ? unknownTo(request) : undefined) ??
    byStatus(request, error) ??
    refused(request)
  );
}

/** Checksums go with what is written, and with nothing else. */
const unknownTo = ({ permission }: S3Request): Explanation =>
  permission === 's3:PutObject' ? CHECKSUMS : UNKNOWN_REQUEST;

const UNKNOWN_REQUEST: Explanation = {
  code: 'not-implemented',
  why: 'the server, or what stands before it, does not know this request',
  advice: 'look up whether this server knows it, and check the address in AWS_ENDPOINT_URL_S3',
};

/** It has an error of its own for it; servers that know less than AWS have many. */
const refused = ({ permission }: S3Request): Explanation => ({
  code: 'other',
  why: 'the server or the AWS SDK refused it',
  advice:
    permission === 's3:PutObject'
      ? 'look up the error that it gave; a server other than AWS may need AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED'
      : 'look up the error that it gave',
});

/** What is written must not be there yet; what is read on must be what it was. */
const unmet = ({ permission }: S3Request): Explanation => ({
  code: permission === 's3:PutObject' ? 'taken' : 'changed',
  why: 'it is not as it was, or its name is taken',
  advice: 'look at what is there; nothing is ever overwritten',
});

/** Servers that know no conditional writes say so in one of these ways. */
function isUnknownToServer(error: Error): boolean {
  const status = statusOf(error);
  return (
    status === 501 ||
    error.name === 'NotImplemented' ||
    (status === 400 && /if-none-match/i.test(error.message))
  );
}

function regionProblem(error: Error): Explanation | undefined {
  const wrong =
    /^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)/;
  const region = headerOf(error, 'x-amz-bucket-region');
  if (!wrong.test(error.name) && (region === undefined || !isRedirect(error))) return undefined;
  return {
    code: 'other',
    why: 'the bucket is in another region',
    advice: region === undefined ? 'set AWS_REGION to that of the bucket' : `set AWS_REGION=${region}`,
  };
}

function isRedirect(error: Error): boolean {
  const status = statusOf(error);
  return status !== undefined && status >= 300 && status < 400;
}

/** What the status alone says: the answer may come from whatever stands before the server, without a word of S3's. */
function byStatus({ permission, resource }: S3Request, error: Error): Explanation | undefined {
  const status = statusOf(error);
  if (status === undefined) return undefined;
  if (isRedirect(error)) return redirected(error);
  if (status === 401 || status === 403) {
    return {
      code: 'access',
      why: 'access denied',
      advice: `allow ${permission} on ${resource} to the credentials of this job${isUnreadable(error) ? BEFORE_IT : ''}${permission === 's3:DeleteObject' ? KEPT : ''}`,
    };
  }
  if (status === 429 || status >= 500) {
    return {
      code: 'unreachable',
      why: 'the server is in trouble',
      advice: 'look at the server; the next run tries again',
    };
  }
  return BY_STATUS[status] ?? (isUnreadable(error) ? NOT_S3 : undefined);
}

function redirected(error: Error): Explanation {
  const to = redirectHostOf(error) ?? 'another place';
  return {
    code: 'other',
    why: `it is sent on to ${to}, which is not followed`,
    advice: 'give the right address in AWS_ENDPOINT_URL_S3, and look at what stands before the server',
  };
}

const BEFORE_IT = ', unless it was a proxy or an ingress before the server that refused it';

/** Servers tell who may not ask for it no more than "access denied", and no right to delete would help then. */
const KEPT =
  '; or the bucket keeps it (object lock, a retention policy), which this job is told with s3:GetObjectRetention and s3:GetObjectLegalHold';

const BY_STATUS: Record<number, Explanation> = {
  407: {
    code: 'access',
    why: `the proxy on the way ${WANTS_PASSWORD}`,
    advice: 'give them in the URL of HTTP_PROXY or HTTPS_PROXY, or name the server in NO_PROXY',
  },
  411: CHECKSUMS,
  413: {
    code: 'too-large',
    why: 'the server, or what stands before it, takes no request so large',
    advice: 'let an ingress or a proxy take 6 MiB in one request (nginx: client_max_body_size)',
  },
};

/** A console, a portal, the page of a proxy: whatever its status was, nothing is concluded from it. */
export const NOT_S3: Explanation = {
  code: 'not-a-store',
  why: 'what answers there is not S3',
  advice:
    'check AWS_ENDPOINT_URL_S3 (a port of S3, not that of a console) and look at the proxies in between',
};
