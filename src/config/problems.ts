import { Failure } from '../errors.ts';

/** One thing that is wrong with one variable. `message` goes on where the variable's name ends; no secret is in it. */
export interface ConfigProblem {
  readonly variable: string;
  readonly message: string;
}

/** Everything that is wrong with the environment, one line of the message for each problem. */
export class ConfigurationError extends Failure {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ variable, message }) => `${variable} ${message}`);
    super('configuration', ['the configuration is not valid, so nothing was done:', ...lines].join('\n'));
    this.problems = problems;
  }
}

/** Whether somebody put a certificate or key itself where something else is wanted; such a value is never shown. */
export function isKeyMaterial(value: string): boolean {
  // The second is the beginning of the first in base64.
  return /-----BEGIN|LS0tLS1CRUdJTi|AGE-SECRET-KEY-/i.test(value);
}

const longest = 120;

/**
 * A value as a message may show it: quoted, in one line, cut where it is long, without a URL's credentials and query,
 * and not at all where it is a key.
 */
export function shown(value: string): string {
  if (isKeyMaterial(value)) return '(a certificate or key, not shown)';
  const text = value.includes('://') ? withoutSecrets(value) : value;
  return JSON.stringify(text.length > longest ? `${text.slice(0, longest)}...` : text);
}

function withoutSecrets(url: string): string {
  // Up to the last @: a password may hold an @ or a / that should have been escaped.
  return url.replace(/:\/\/.*@/s, '://***@').replace(/[?#].*$/s, '?***');
}
