import { pause } from '../../util/abortable.ts';
import type { Connection } from '../client/connection.ts';
import { seesLeader, status as readStatus } from '../client/status.ts';
import { toEtcdError } from '../errors.ts';
import { type Identity, type Member, type MemberStatus, otherThan, votersOf } from '../types.ts';
import { type ClusterClient, identityOf } from './discover.ts';

/** What every member says of itself, what is wrong with it, and whom they follow. */

/** How long a member may take to apply what was committed when the look began; a healthy one needs milliseconds. */
const CATCH_UP_MS = 3_000;
const POLL_MS = 200;

/**
 * Reads the status of every member of the list and says what is wrong with each. A member keeps up when it applies, while
 * we look, everything that had been committed anywhere when the look began: a distance in entries would call a busy
 * cluster sick and a stuck one well.
 */
export async function readMembers(
  client: ClusterClient,
  signal?: AbortSignal,
  list: readonly Member[] = client.members,
): Promise<Member[]> {
  let members = await readOnce(client, list);
  const committed = Math.max(0, ...votersOf({ members }).map((member) => member.status?.raftIndex ?? 0));
  const deadline = performance.now() + CATCH_UP_MS;
  while (members.some((member) => isBehind(member, committed)) && performance.now() < deadline) {
    await pause(POLL_MS, signal);
    members = await readOnce(client, list);
  }
  const term = disputedTerm(members);
  return members.map((member) => withProblem(member, committed, term));
}

const isBehind = ({ learner, status }: Member, committed: number): boolean =>
  !learner && status !== undefined && status.raftAppliedIndex < committed;

/** The newest term, where voting members do not all follow one leader. */
function disputedTerm(members: readonly Member[]): number | undefined {
  const leaders = new Set(votersOf({ members }).map((member) => member.status?.leaderId ?? ''));
  return leaders.size > 1 ? Math.max(...members.map((member) => member.status?.raftTerm ?? 0)) : undefined;
}

function withProblem(member: Member, committed: number, term: number | undefined): Member {
  const { status } = member;
  if (member.problem !== undefined || member.learner || status === undefined) return member;
  const problem = problemOf(status, isBehind(member, committed), committed, term);
  return problem === undefined ? member : { ...member, problem };
}

function problemOf(
  status: MemberStatus,
  behind: boolean,
  committed: number,
  term?: number,
): string | undefined {
  if (!seesLeader(status)) return 'it sees no leader';
  if (term !== undefined && status.raftTerm < term) return 'it follows a leader of an older term';
  if (behind) return `it lags: it has applied ${status.raftAppliedIndex} of ${committed} committed entries`;
  return undefined;
}

const readOnce = (client: ClusterClient, list: readonly Member[]): Promise<Member[]> =>
  Promise.all(
    list.map(async (member) => {
      const connection = client.connections.get(member.id);
      if (connection !== undefined) return readMember(member, connection, identityOf(client, member));
      return { ...member, problem: client.unreachable.get(member.id) ?? 'it cannot be reached' };
    }),
  );

async function readMember(member: Member, connection: Connection, meant: Identity): Promise<Member> {
  const { endpoint } = connection;
  try {
    const status = await readStatus(connection);
    const other = otherThan(meant, status);
    if (other === undefined) return { ...member, endpoint, status };
    return { ...member, problem: `${other} now answers at ${endpoint}` };
  } catch (error) {
    return { ...member, problem: `it does not answer at ${endpoint}: ${toEtcdError(error).message}` };
  }
}

/** The leader that a majority of the members that answer agree on. */
export function leaderOf(members: readonly Member[]): string | undefined {
  const voters = votersOf({ members });
  const votes = voters.flatMap((member) => member.status?.leaderId ?? []);
  return voters.find((member) => votes.filter((id) => id === member.id).length > votes.length / 2)?.id;
}
