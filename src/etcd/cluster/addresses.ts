import { isTls, lowersProtection, parseEndpoint } from '../../config/endpoints.ts';
import { messageOf } from '../../errors.ts';
import { quoted } from '../../util/printable.ts';
import { label, type ListedMember } from '../types.ts';

/** What members say of where they are to be found, as far as anybody acts on it. */

/** A member has one or two; whoever advertises more than this is not asked at all of them. */
const MAX_OF_A_MEMBER = 8;

export interface Addresses {
  /** at which the member may be asked, each once, in one spelling */
  endpoints: readonly string[];
  /** advertised in plain text, where the operator gave https */
  plain: readonly string[];
  /** why others are not asked, in words */
  refused: readonly string[];
}

/** @param given the operator's own endpoints: where any of them is https, no other is taken from a peer */
export function addressesOf(
  { clientUrls }: Pick<ListedMember, 'clientUrls'>,
  given: readonly string[],
): Addresses {
  // No scheme is no word for plain text: it gets the operator's.
  const scheme = given.some(isTls) ? 'https' : 'http';
  const endpoints = new Set<string>();
  const plain = new Set<string>();
  const refused = new Set<string>();
  for (const text of clientUrls.slice(0, MAX_OF_A_MEMBER)) {
    try {
      const endpoint = parseEndpoint(text.trim(), scheme);
      (lowersProtection(endpoint, given) ? plain : endpoints).add(endpoint);
    } catch (error) {
      refused.add(`${told(text)} is not asked: ${messageOf(error)}`);
    }
  }
  const more = clientUrls.length - MAX_OF_A_MEMBER;
  if (more > 0) refused.add(`${more} more are not asked, at most ${MAX_OF_A_MEMBER} of a member are`);
  return { endpoints: [...endpoints], plain: [...plain], refused: [...refused] };
}

/** What stands before an @ may be a password. */
const told = (text: string): string => (text.includes('@') ? 'an address with an @' : quoted(text));

/** What it means that a member advertises these, and what to do. */
export const plainText = (plain: readonly string[]): string =>
  `it advertises plain text (${plain.join(', ')}), which is not asked where ETCDCTL_ENDPOINTS is https: have it advertise ` +
  'https (--advertise-client-urls), or name an https address of it in ETCDCTL_ENDPOINTS';

/** The same for a member that was found where the operator said. */
export const plainTextWarning = (member: ListedMember, plain: readonly string[], endpoint: string): string =>
  `member ${label(member)} is asked at ${endpoint} of ETCDCTL_ENDPOINTS: ${plainText(plain)}`;
