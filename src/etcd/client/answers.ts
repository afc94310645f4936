import { EtcdError } from '../errors.ts';
import { hexId } from './ids.ts';

/**
 * The one place where numbers and IDs are taken out of answers. protobuf fills in zeros for what was not sent and
 * numbers come as text, so what is no answer at all looks like one of zeros: it is looked at before anything is built
 * on it. All throw an `EtcdError`.
 */

/** An answer whose parts cannot be. */
export const noAnswer = (what: string): EtcdError =>
  new EtcdError('other', `the member's answer cannot be: ${what}`);

/** A whole number of at least `least` that JavaScript has exactly, of an int64 as text or of an int32. */
export function wholeNumber(value: unknown, what: string, least = 0): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least) return number;
  throw noAnswer(`${what} is ${JSON.stringify(value) ?? 'missing'}`);
}

/** A member's or a cluster's ID, hexadecimal. There is none that is 0. */
export function idIn(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[1-9]\d*$/.test(value)) return hexId(value);
  throw noAnswer(`${what} is ${JSON.stringify(value) ?? 'missing'}`);
}

/** An answer of the server's own making has a header; an empty message has none. */
export function withHeader<T extends { header: unknown }>(answer: T): T {
  if (typeof answer.header === 'object' && answer.header !== null) return answer;
  throw noAnswer('it has no header');
}
