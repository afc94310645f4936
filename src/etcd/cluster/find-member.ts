import type { EtcdSettings } from '../client/connection.ts';
import { type ListedMember, otherThan } from '../types.ts';
import { addressesOf, plainText, plainTextWarning } from './addresses.ts';
import { type Answer, type Answers, type Dialer, isAnswer } from './dialer.ts';

const MAX_TOLD_CHARS = 800;

/** Where a member may be found. */
export interface Places {
  /** the cluster's ID */
  id: string;
  settings: EtcdSettings;
  /** what came of the given endpoints */
  given: Answers;
  /** asks at the addresses that members advertise */
  dialer: Dialer;
}

/** The connection by which a member is asked, or why there is none, in words. */
export interface Finding {
  found: Answer | string;
  /** what its operator should know of the addresses that it advertises, though it was found */
  warning?: string;
}

export async function findMember(member: ListedMember, places: Places): Promise<Finding> {
  const asGiven = [...places.given.values()]
    .filter(isAnswer)
    .find((answer) => answer.status.memberId === member.id);
  if (!places.settings.discoverMembers)
    return { found: asGiven ?? 'it is not behind the given endpoints, and DISCOVER_MEMBERS is false' };
  if (member.name === '' && member.clientUrls.length === 0 && asGiven === undefined)
    return { found: 'it was added and never started: it has no name and no client URLs' };
  const { endpoints, plain, refused } = addressesOf(member, places.settings.endpoints);
  const found = await findAdvertised(member, endpoints, places);
  if (!Array.isArray(found)) return { found };
  if (asGiven !== undefined) {
    const { endpoint } = asGiven.connection;
    return {
      found: asGiven,
      ...(plain.length > 0 && { warning: short(plainTextWarning(member, plain, endpoint)) }),
    };
  }
  const reasons = [...found, ...(plain.length > 0 ? [plainText(plain)] : []), ...refused];
  return { found: reasons.length > 0 ? short(reasons.join('; ')) : 'it advertises no client URL' };
}

/** Of hundreds of members with many long addresses each, all is told in the manifest, which has to stay readable. */
const short = (text: string): string =>
  text.length > MAX_TOLD_CHARS ? `${text.slice(0, MAX_TOLD_CHARS)}...` : text;

/** The first answer that is the member's, or why there is none at each of these. */
async function findAdvertised(
  { id }: ListedMember,
  endpoints: readonly string[],
  { id: clusterId, dialer }: Places,
): Promise<Answer | string[]> {
  const reasons: string[] = [];
  for (const endpoint of endpoints) {
    const answer = await dialer.askAdvertised(endpoint);
    const other = isAnswer(answer) ? otherThan({ clusterId, memberId: id }, answer.status) : undefined;
    if (isAnswer(answer) && other === undefined) return answer;
    reasons.push(`${endpoint}: ${isAnswer(answer) ? `${other} answers there` : answer.message}`);
  }
  return reasons;
}
