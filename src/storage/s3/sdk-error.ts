import { messageOf } from '../../errors.ts';
import { hidingOf } from '../../util/hide.ts';

/** What a proxy did that a variable names, in words. */
export class ProxyFault extends Error {
  override readonly name = 'ProxyFault';
}

export const PROXY_ADVICE = 'look at the proxy, or name the server in NO_PROXY';

/** The name that S3 or the system gives an error: `NoSuchBucket`, `ECONNREFUSED`. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Whether it is an error of the system at that call, say `open`. */
export const isOfSystem = (error: Error, syscall: string): boolean =>
  'syscall' in error && error.syscall === syscall;

/** The HTTP status of an answer, undefined where none came. */
export function statusOf(error: Error): number | undefined {
  return numberOf(error, 'httpStatusCode');
}

/** How often the request was sent. */
function attemptsOf(error: Error): number {
  return numberOf(error, 'attempts') ?? 1;
}

/** A plain word that stands in a header of the answer. */
export function headerOf(error: Error, name: string): string | undefined {
  const value = rawHeaderOf(error, name);
  return value !== undefined && /^[a-z0-9-]{1,40}$/.test(value) ? value : undefined;
}

/** Where an answer sends whoever asks: the host alone, for the rest may hold a signature. */
export function redirectHostOf(error: Error): string | undefined {
  return URL.parse(rawHeaderOf(error, 'location') ?? '')?.host;
}

function rawHeaderOf(error: Error, name: string): string | undefined {
  const response = '$response' in error ? Object(error.$response) : {};
  const value: unknown = Object(response.headers)[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * Whether an answer came whose body says nothing in the words of S3: a page of a proxy, JSON, or nothing at all. What
 * the SDK then says is about its parser.
 */
export function isUnreadable(error: Error): boolean {
  return statusOf(error) !== undefined && /^(Error|SyntaxError|Unknown)$/.test(codeOf(error));
}

const MAX_SAID = 240;
/** What is a secret wherever it stands, say a key's ID. Before the text is cut: half of one would not be known for it. */
const { text: withoutSecrets } = hidingOf([]);

/** What the server or the system said: in one line, bounded, and without what belongs to the credentials. */
export function said(error: Error): string {
  const tries = attemptsOf(error);
  const parts = [...wordsOf(error), tries > 1 ? `tried ${tries} times` : ''];
  return ` (${parts.filter((part) => part !== '').join(', ')})`;
}

function wordsOf(error: Error): string[] {
  if (isUnreadable(error)) {
    const [type = ''] = (rawHeaderOf(error, 'content-type') ?? '').split(';');
    return [`HTTP ${statusOf(error)}`, /^[\w.+-]+\/[\w.+-]+$/.test(type) ? `${type} instead of XML` : ''];
  }
  const text = withoutSecrets(messageOf(error)).replaceAll(/\s+/g, ' ').slice(0, MAX_SAID);
  return [codeOf(error), text];
}

/** The SDK adds the fields of `$metadata` to what it throws, also to errors that are not its own. */
function numberOf(error: Error, field: string): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null)
    return undefined;
  const value = Object.entries(error.$metadata).find(([name]) => name === field)?.[1];
  return typeof value === 'number' ? value : undefined;
}
