import { Failure, isBug, messageOf } from '../../errors.ts';
import { type Explanation, StoreError } from '../errors.ts';
import { byName } from './error-names.ts';
import { attemptsOf, codeOf, headerOf, statusOf } from './sdk-error.ts';

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
  const { code, why, advice } = explain(request, error);
  const problem = `could not ${request.action} ${request.target}: ${why}${said(error)}`;
  return new StoreError(isUnknownToServer(error) ? 'not-implemented' : code, problem, advice, error);
}

function explain(request: S3Request, error: Error): Explanation {
  const name = codeOf(error);
  if (name === 'PreconditionFailed') return unmet(request);
  return (
    byName(name) ??
    regionProblem(error) ??
    byStatus(request, statusOf(error)) ?? {
      code: 'other',
      why: 'the server or the AWS SDK refused it',
      advice: 'look up the error that it gave',
    }
  );
}

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
  if (/^Region (is missing|not accepted)/.test(error.message)) {
    return {
      code: 'other',
      why: 'no region is set',
      advice: 'set AWS_REGION; servers other than AWS mostly take us-east-1',
    };
  }
  const wrong =
    /^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)/;
  if (!wrong.test(error.name) && statusOf(error) !== 301) return undefined;
  const region = headerOf(error, 'x-amz-bucket-region');
  return {
    code: 'other',
    why: 'the bucket is in another region',
    advice: region === undefined ? 'set AWS_REGION to that of the bucket' : `set AWS_REGION=${region}`,
  };
}

function byStatus({ permission, resource }: S3Request, status: number | undefined): Explanation | undefined {
  if (status === 401 || status === 403) {
    return {
      code: 'access',
      why: 'access denied',
      advice: `allow ${permission} on ${resource} to the credentials of this job`,
    };
  }
  if (status === 429 || (status !== undefined && status >= 500)) {
    return {
      code: 'unreachable',
      why: 'the server is in trouble',
      advice: 'look at the server; the next run tries again',
    };
  }
  return undefined;
}

const MAX_SAID = 240;
/** How AWS writes an access key's ID. */
const KEY_ID = /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g;

/** What the server or the system said: in one line, bounded, and without what belongs to the credentials. */
function said(error: Error): string {
  const tries = attemptsOf(error);
  const text = messageOf(error).replaceAll(KEY_ID, '***').replaceAll(/\s+/g, ' ').slice(0, MAX_SAID);
  const parts = [codeOf(error), text, tries > 1 ? `tried ${tries} times` : ''];
  return ` (${parts.filter((part) => part !== '').join(', ')})`;
}
