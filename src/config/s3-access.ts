import type { Proxies } from '../util/proxies.ts';
import { readCertificates } from './pem.ts';
import { readProxies } from './proxies.ts';
import { checkProfile } from './s3-profile.ts';
import type { VariableName } from './secrecy.ts';
import { readSmallFile } from './small-file.ts';
import type { Variables } from './variables.ts';

/** What of the environment the AWS SDK does not look at by itself, and what it takes to tell why it found nothing. */
export interface S3Access {
  /** `AWS_REGION`, else `AWS_DEFAULT_REGION`; undefined: that of the profile. */
  readonly region?: string | undefined;
  /** Of `AWS_CA_BUNDLE`, PEM. */
  readonly ca?: string | undefined;
  readonly proxies?: Proxies | undefined;
  /** The variables that say where the credentials are; none: this machine may have a role. */
  readonly credentialVariables: readonly string[];
  /** Whether credentials may come from a server of this machine or of the cloud. */
  readonly remoteCredentials: boolean;
}

/** What the SDK would tell later, one thing at a time and without the variable's name, is told here at once. */
export function readS3Access(vars: Variables): S3Access {
  checkKeys(vars);
  checkWebIdentity(vars);
  checkProfile(vars);
  for (const variable of ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_STS'] as const) {
    checkUrl(vars, variable);
  }
  checkUrl(vars, 'AWS_CONTAINER_CREDENTIALS_FULL_URI');
  vars.parse('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', tokenFile);
  checkChecksums(vars);
  vars.read('AWS_DEFAULTS_MODE', (it) => it.asEnum(DEFAULTS_MODES));
  return {
    region: vars.parse('AWS_REGION', regionOf) ?? vars.parse('AWS_DEFAULT_REGION', regionOf),
    ca: vars.parse('AWS_CA_BUNDLE', (path) => readCertificates(path).pem.toString('latin1')),
    proxies: readProxies(vars),
    ...sourcesOf(vars),
  };
}

/** What the SDK takes; of another it says no more than that a parameter is invalid. */
const DEFAULTS_MODES = ['standard', 'in-region', 'cross-region', 'mobile', 'legacy', 'auto'] as const;

const SOURCES = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'] as const;
const REMOTE_SOURCES = [
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
] as const;

function sourcesOf({ given }: Variables): Pick<S3Access, 'credentialVariables' | 'remoteCredentials'> {
  const isGiven = (variable: VariableName): boolean => given(variable) !== undefined;
  const credentialVariables = [...SOURCES, ...REMOTE_SOURCES].filter(isGiven);
  const noInstance = !['false', undefined].includes(given('AWS_EC2_METADATA_DISABLED'));
  const remote = REMOTE_SOURCES.some(isGiven) || (credentialVariables.length === 0 && !noInstance);
  return { credentialVariables, remoteCredentials: remote };
}

const NOT_SHOWN = 'is (not shown); it';

/** They go into headers, where a line break would be refused with words that name no variable. */
function checkKeys({ given, report }: Variables): void {
  for (const [one, other] of [
    ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'],
  ] as const) {
    if (given(one) !== undefined || given(other) === undefined) continue;
    report(one, `is not set, but ${other} is; they should be set together`);
  }
  for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const) {
    const value = given(variable);
    if (value === undefined || /^[\x21-\x7e]+$/.test(value)) continue;
    report(
      variable,
      `${NOT_SHOWN} should be one word, but has a line break, a space or a character that no key has (a Secret made ` +
        'with echo ends in a line break: use printf, or kubectl create secret --from-literal)',
    );
  }
}

function checkWebIdentity(vars: Variables): void {
  const file = vars.parse('AWS_WEB_IDENTITY_TOKEN_FILE', tokenFile);
  if (file === undefined) return;
  if (vars.given('AWS_ROLE_ARN') === undefined) {
    vars.report(
      'AWS_ROLE_ARN',
      'is not set, but AWS_WEB_IDENTITY_TOKEN_FILE is; they should be set together',
    );
  }
  vars.parse('AWS_ROLE_ARN', (arn) => {
    // Servers other than AWS leave the account out, and have partitions of their own.
    if (!/^arn:[\w-]+:[\w-]*:[\w-]*:\d*:\S+$/.test(arn)) {
      throw new Error('should be like arn:aws:iam::123456789012:role/NAME');
    }
  });
}

function tokenFile(path: string): string {
  if (readSmallFile(path, 'a file with a token').toString('latin1').trim() === '') {
    throw new Error('should be a file with a token, but is empty');
  }
  return path;
}

/** Never shown: where a part is missing, a password may be anywhere in it. */
function checkUrl({ given, report }: Variables, variable: VariableName): void {
  const text = given(variable);
  if (text === undefined) return;
  const url = /^https?:\/\/[^/]/i.test(text) ? URL.parse(text) : null;
  if (url === null || /\s/.test(text)) {
    return report(variable, `${NOT_SHOWN} should be a URL that begins with http:// or https://`);
  }
  if (url.username !== '' || url.password !== '') {
    report(
      variable,
      `${NOT_SHOWN} should hold no user and no password: credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    );
  }
}

function regionOf(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(text)) return text;
  throw new Error(
    'should be the name of a region, like eu-central-1; servers other than AWS mostly take us-east-1',
  );
}

function checkChecksums(vars: Variables): void {
  for (const variable of ['AWS_REQUEST_CHECKSUM_CALCULATION', 'AWS_RESPONSE_CHECKSUM_VALIDATION'] as const) {
    vars.parse(variable, (text) => {
      if (!/^WHEN_(SUPPORTED|REQUIRED)$/i.test(text))
        throw new Error('should be WHEN_SUPPORTED or WHEN_REQUIRED');
    });
  }
}
