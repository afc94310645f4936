import type { S3StoreConfig } from '../../config/config.ts';
import { Failure, isBug } from '../../errors.ts';
import { TooManyBytes } from '../../util/bounded.ts';
import { formatBytes } from '../../util/format.ts';
import { proxyFault } from '../../util/proxies.ts';
import { type Explanation, StoreError } from '../errors.ts';
import { byName } from './error-names.ts';
import { PROXY_ADVICE, codeOf, isOfSystem, said, statusOf } from './sdk-error.ts';

type Access = S3StoreConfig['access'];

const PROBLEM = 'no credentials for the bucket were had, so nothing was asked of it';

/**
 * What to throw where the SDK found no credentials. Nothing that STS, a role's server or a file says of it is the
 * bucket's. Where no server was asked it is the configuration that is wrong.
 */
export function toCredentialsFailure(error: unknown, access: Access): unknown {
  if (!(error instanceof Error) || error instanceof Failure || isBug(error)) return error;
  const fault = proxyFault(error, access?.proxies);
  if (fault !== undefined) return unreachable(fault, PROXY_ADVICE, error);
  if (error instanceof TooManyBytes)
    return unreachable(
      `the answer of ${GIVER} has more than ${formatBytes(error.maxBytes)}`,
      LOOK_THERE,
      error,
    );
  const name = codeOf(error);
  if (name === 'CredentialsProviderError') return notFound(error, access);
  if (isOfSystem(error, 'open')) return ofFile(error);
  const { code, why, advice } = STS[name.replace(/Exception$/, '')] ?? byStatus(error);
  return new StoreError(code, `${PROBLEM}: ${why}${said(error)}`, advice, error);
}

function notFound(error: Error, access: Access): Failure {
  const given = access?.credentialVariables ?? [];
  const where = given.length === 0 ? 'no variable names any' : `though ${given.join(', ')} is set`;
  const advice =
    'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod a role (AWS_WEB_IDENTITY_TOKEN_FILE and ' +
    'AWS_ROLE_ARN; in the chart: backup.s3.existingSecret, or serviceAccount.annotations)';
  const problem = `no credentials were found for the bucket, ${where}${said(error)}`;
  if (access !== undefined && !access.remoteCredentials) {
    return new Failure('configuration', `${problem}, so nothing was asked of it: ${advice}`, {
      cause: error,
    });
  }
  const asked = given.length === 0 ? ", and this machine's metadata service gave none" : '';
  return new StoreError('access', `${problem}${asked}`, advice, error);
}

const ofFile = (error: Error): Failure =>
  new Failure(
    'configuration',
    `${PROBLEM}: a file that AWS_WEB_IDENTITY_TOKEN_FILE or the AWS configuration names cannot be read${said(error)}; ` +
      'is it mounted?',
    { cause: error },
  );

const unreachable = (why: string, advice: string, cause: Error): StoreError =>
  new StoreError('unreachable', `${PROBLEM}: ${why}`, advice, cause);

/** The SDK does not tell which of them it was. */
const GIVER =
  "the server that gives credentials (STS or AWS_ENDPOINT_URL_STS, an agent in the pod, or this machine's metadata service)";
const LOOK_THERE = 'look whether it can be reached from here; the next run tries again';

/** For credentials that do not come. */
export const credentialsLate = (ms: number): StoreError =>
  new StoreError('unreachable', `${PROBLEM}: ${GIVER} did not answer within ${ms / 1000} s`, LOOK_THERE);

const TRUST =
  "look at the role's trust policy: it has to let this service account in (issuer, subject, audience)";

/** What STS calls its refusals, without the ending that some of them have. */
const STS: Record<string, Explanation> = {
  AccessDenied: {
    code: 'access',
    why: 'STS lets nobody with this token take on the role of AWS_ROLE_ARN',
    advice: TRUST,
  },
  InvalidIdentityToken: {
    code: 'access',
    why: 'STS does not take the token of AWS_WEB_IDENTITY_TOKEN_FILE',
    advice:
      "look whether the cluster's issuer is an identity provider of the account, and at the token's audience",
  },
  ExpiredToken: {
    code: 'access',
    why: 'the token of AWS_WEB_IDENTITY_TOKEN_FILE, or the session that asks STS, has expired',
    advice: 'mount a projected token, which is renewed, and look at the clock of this node',
  },
  IDPRejectedClaim: {
    code: 'access',
    why: 'the identity provider rejects the token of AWS_WEB_IDENTITY_TOKEN_FILE',
    advice: TRUST,
  },
  IDPCommunicationError: {
    code: 'unreachable',
    why: "STS does not reach the cluster's identity provider",
    advice: 'look whether its issuer can be reached from there; the next run tries again',
  },
  RegionDisabled: {
    code: 'access',
    why: 'STS is not active in this region',
    advice: 'activate it there, or correct AWS_REGION',
  },
};

/** By the answer, or by what kept it away. */
function byStatus(error: Error): Explanation {
  const status = statusOf(error);
  if (status === undefined || status === 429 || status >= 500) {
    const { why } = byName(codeOf(error)) ?? { why: 'the server is in trouble' };
    return {
      code: 'unreachable',
      why: `${GIVER}: ${why}`,
      advice: LOOK_THERE,
    };
  }
  return {
    code: 'access',
    why: `${GIVER} refused them`,
    advice: 'look at AWS_ROLE_ARN, AWS_PROFILE and what the role allows',
  };
}
