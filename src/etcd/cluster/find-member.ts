import type { EtcdSettings } from '../client/connection.ts';
import type { Member } from '../types.ts';
import { type Answer, type Answers, type Dialer, isAnswer } from './dialer.ts';

/** Where a member may be found. */
export interface Places {
  settings: EtcdSettings;
  /** what came of the given endpoints */
  given: Answers;
  /** asks at the URLs that members advertise */
  dialer: Dialer;
}

/** The connection by which a member is asked, or why there is none, in words. */
export async function findMember(member: Member, places: Places): Promise<Answer | string> {
  const asGiven = [...places.given.values()]
    .filter(isAnswer)
    .find((answer) => answer.status.memberId === member.id);
  if (!places.settings.discoverMembers)
    return asGiven ?? 'it is not behind the given endpoints, and DISCOVER_MEMBERS is false';
  if (member.name === '' && member.clientUrls.length === 0 && asGiven === undefined)
    return 'it was added and never started: it has no name and no client URLs';
  const found = await findAdvertised(member, places);
  return typeof found === 'string' ? (asGiven ?? found) : found;
}

async function findAdvertised(member: Member, places: Places): Promise<Answer | string> {
  const reasons: string[] = [];
  for (const url of member.clientUrls) {
    const found = await askAt(url.replace(/\/$/, ''), member, places);
    if (typeof found !== 'string') return found;
    reasons.push(found);
  }
  return reasons.length > 0 ? reasons.join('; ') : 'it advertises no client URL';
}

async function askAt(endpoint: string, member: Member, places: Places): Promise<Answer | string> {
  const { settings, given, dialer } = places;
  if (wouldExposePassword(endpoint, settings))
    return `${endpoint}: not asked, because the password would travel unencrypted`;
  const answer = given.get(endpoint) ?? (await dialer.ask(endpoint));
  if (!isAnswer(answer)) return `${endpoint}: ${answer.message}`;
  if (answer.status.memberId !== member.id) return `${endpoint}: another member answers there`;
  return answer;
}

/** A password must not travel in the clear because a member advertises less than the operator asked for. */
const wouldExposePassword = (endpoint: string, { credentials, endpoints }: EtcdSettings): boolean =>
  credentials !== undefined &&
  endpoint.startsWith('http:') &&
  endpoints.every((given) => given.startsWith('https:'));
