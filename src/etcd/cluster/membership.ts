import { EtcdError } from '../errors.ts';
import type { ListedMember, Member } from '../types.ts';
import type { Answer } from './dialer.ts';

/** Who is a member, by the lists that members give. */

/** etcd's own advice is seven. A list of any length would fill the report, and the manifest of the backup. */
const MAX_MEMBERS = 500;

/**
 * Makes sure that a member answered, by the list that came from the same place as its ID: through a proxy every answer
 * may be another member's, so that a Status and the snapshot after it need not belong together.
 * @throws EtcdError `no-member`; `other` where the list cannot be one
 */
export function checkMember(members: readonly ListedMember[], memberId: string): void {
  const ids = new Set(members.map(({ id }) => id));
  if (members.length > MAX_MEMBERS)
    throw new EtcdError(
      'other',
      `its member list names ${members.length} members, and more than ${MAX_MEMBERS} are not believed`,
    );
  if (ids.size < members.length) throw new EtcdError('other', 'its member list names a member twice');
  if (!ids.has(memberId))
    throw new EtcdError(
      'no-member',
      `it is no member (any more): its member list is without its own ID, ${memberId}`,
    );
}

/** An answer of a voting member, which knows who the members are. */
type Witness = Answer & Required<Pick<Answer, 'members'>>;

const isWitness = (answer: Answer): answer is Witness => answer.members !== undefined;

/**
 * Everybody whom any of these answers names; undefined where none has a list. One whom not all of them name is not well
 * for as long as this run takes, so that nothing is changed: a member who is left out by a list that is old, or a lie,
 * would not be asked for its health. The list of who has applied most wins otherwise.
 */
export function membersIn(answers: readonly Answer[]): Member[] | undefined {
  const witnesses = [...new Set(answers)]
    .filter(isWitness)
    .toSorted((a, b) => b.status.raftAppliedIndex - a.status.raftAppliedIndex);
  if (witnesses.length === 0) return undefined;
  const byId = new Map<string, ListedMember>();
  for (const member of witnesses.flatMap(({ members }) => members))
    if (!byId.has(member.id)) byId.set(member.id, member);
  return [...byId.values()].slice(0, MAX_MEMBERS).map((member) => withAgreement(member, witnesses));
}

function withAgreement(member: ListedMember, witnesses: readonly Witness[]): Member {
  const named = witnesses.map(({ members }) => members.find(({ id }) => id === member.id));
  const learner = named.every((it) => it === undefined || it.learner);
  const missing = witnesses.filter((_witness, index) => named[index]?.learner !== learner);
  if (missing.length === 0) return member;
  const [one, ...more] = missing.map(({ connection }) => connection.endpoint);
  const where = more.length === 0 ? one : `${one} and ${more.length} more`;
  const problem = `the member lists contradict each other: it is no ${learner ? 'learner' : 'voting member'} in that of ${where}`;
  return { ...member, learner, problem };
}
