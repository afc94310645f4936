import { EtcdError } from '../errors.ts';
import { hexId } from './ids.ts';

/**
 * The one place where numbers and IDs are taken out of answers. protobuf fills in zeros for what was not sent and
 * numbers come as text, so what is no answer at all looks like one of zeros: it is looked at before anything is built
 * on it. All throw an `EtcdError`.
 */

/** The error for an answer whose parts cannot be. */
export const impossible = (what: string): EtcdError =>
  new EtcdError('other', `the member gave an answer that cannot be: ${what}`);

/** A whole number of at least `least` that JavaScript has exactly, of an int64 as text or of an int32. */
export function wholeNumber(value: unknown, what: string, least = 0): number {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least) return number;
  throw impossible(`${what} is ${JSON.stringify(value) ?? 'missing'}`);
}

/** A member's or a cluster's ID, hexadecimal. There is none that is 0. */
export function idIn(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[1-9]\d*$/.test(value)) return hexId(value);
  throw impossible(`${what} is ${JSON.stringify(value) ?? 'missing'}`);
}

/** An answer of etcd's own making has a header, but for some: all of 3.4's about alarms. An empty message has none. */
export function withHeader<T extends { header: unknown }>(answer: T): T {
  if (typeof answer.header === 'object' && answer.header !== null) return answer;
  throw impossible('it has no header');
}
