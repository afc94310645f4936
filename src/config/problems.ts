import { Failure } from '../errors.ts';
import { quoted } from '../util/printable.ts';
import { secrecyOf } from './secrecy.ts';

/** One thing that is wrong with one variable. `message` goes on where the variable's name ends; no secret is in it. */
export interface ConfigProblem {
  readonly variable: string;
  readonly message: string;
}

/** Everything that is wrong with the environment, one line of the message for each problem. */
export class ConfigurationError extends Failure {
  readonly problems: readonly ConfigProblem[];
  /** of the message */
  readonly lines: readonly string[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = [
      'the configuration is not valid, so nothing was done:',
      ...problems.map(({ variable, message }) => `${variable} ${message}`),
    ];
    super('configuration', lines.join('\n'));
    this.problems = problems;
    this.lines = lines;
  }
}

/** Whether somebody put a certificate or key itself where something else is wanted; such a value is never shown. */
export function isKeyMaterial(value: string): boolean {
  // The second is the beginning of the first in base64.
  return /-----BEGIN|LS0tLS1CRUdJTi|AGE-SECRET-KEY-/i.test(value);
}

/**
 * A value as a message may show it, by what its variable is: quoted, in one line, cut where it is long, without what may
 * be a secret in it, and not at all where it is a key.
 */
export function shown(variable: string, value: string): string {
  if (isKeyMaterial(value)) return '(a certificate or key, not shown)';
  const secrecy = secrecyOf(variable);
  switch (secrecy) {
    case 'public':
      return quoted(value);
    case 'path':
      return /^(?:\/|\.{1,2}\/|[\w-]+\.[a-z]{2,4}$)/.test(value)
        ? quoted(value)
        : '(not shown: it is no path)';
    case 'address':
      return partOf(value, PLACE);
    case 'store':
      return partOf(value, STORE);
    case 'user':
    case 'hook':
    case 'secret':
      return '(not shown)';
    default:
      return secrecy satisfies never;
  }
}

/** Scheme, host and port; or host and port, for of a word alone nobody knows whether it is a host. */
const PLACE =
  /^(?:[a-z][a-z0-9+.-]{0,15}:\/\/(?:\[[0-9a-f:.%]*\]|[\w.-]*)(?::\d{0,5})?|(?:\[[0-9a-f:.]+\]|[\w.-]+):\d{0,5}|)(?=[/?#]|$)/i;

/** A folder, or a bucket and its prefix: with no colon but that of the scheme, which could have a password behind it. */
const STORE = /^(?:(?:file|s3|gs|azblob|https?|ftp):)?[^:?#]*(?=[?#]|$)/i;

/** The part of an address that cannot hold a secret. Before an @ stands a password, or what somebody took for one. */
function partOf(address: string, part: RegExp): string {
  const found = address.includes('@') ? undefined : part.exec(address)?.[0];
  if (found === undefined) return '(not shown: it may hold a password)';
  return quoted(found === address ? found : `${found}...`);
}
