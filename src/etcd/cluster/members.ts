import { pause } from '../../util/abortable.ts';
import { statusOnce } from '../client/calls.ts';
import type { Cluster } from './discover.ts';
import { toEtcdError } from '../errors.ts';
import { type Member, type MemberStatus, votersOf } from '../types.ts';

/** How long a member may take to apply what was committed when the look began; a healthy one needs milliseconds. */
const CATCH_UP_MS = 3_000;
const POLL_MS = 200;

/**
 * Reads every member's status and says what is wrong with each. A member keeps up when it applies, while we look,
 * everything that had been committed anywhere when the look began: a distance in entries would call a busy cluster
 * sick and a stuck one well.
 */
export async function readMembers(cluster: Cluster, signal?: AbortSignal): Promise<Member[]> {
  let members = await readOnce(cluster);
  const committed = Math.max(0, ...votersOf({ members }).map((member) => member.status?.raftIndex ?? 0));
  const behind = (member: Member): boolean =>
    !member.learner && member.status !== undefined && member.status.raftAppliedIndex < committed;
  const deadline = Date.now() + CATCH_UP_MS;
  while (members.some(behind) && Date.now() < deadline) {
    await pause(POLL_MS, signal);
    members = await readOnce(cluster);
  }
  const leaders = new Set(votersOf({ members }).map((member) => member.status?.leaderId ?? ''));
  return members.map((member) => {
    if (member.problem !== undefined || member.learner || member.status === undefined) return member;
    const problem = problemOf(
      member.status,
      behind(member),
      committed,
      leaders.size > 1 ? newestTerm(members) : undefined,
    );
    return problem === undefined ? member : { ...member, problem };
  });
}

const newestTerm = (members: readonly Member[]): number =>
  Math.max(...members.map((member) => member.status?.raftTerm ?? 0));

function problemOf(
  status: MemberStatus,
  behind: boolean,
  committed: number,
  term?: number,
): string | undefined {
  if (status.leaderId === undefined || status.errors.some((text) => text.includes('no leader')))
    return 'it sees no leader';
  if (term !== undefined && status.raftTerm < term) return 'it follows a leader of an older term';
  if (behind) return `it lags: it has applied ${status.raftAppliedIndex} of ${committed} committed entries`;
  return undefined;
}

async function readOnce(cluster: Cluster): Promise<Member[]> {
  return Promise.all(
    cluster.members.map(async (member): Promise<Member> => {
      const connection = cluster.connections.get(member.id);
      if (connection === undefined) {
        return { ...member, problem: cluster.unreachable.get(member.id) ?? 'it cannot be reached' };
      }
      const { endpoint } = connection;
      try {
        const status = await statusOnce(connection);
        if (status.memberId !== member.id)
          return { ...member, problem: `another member now answers at ${endpoint}` };
        return { ...member, endpoint, status };
      } catch (error) {
        return { ...member, problem: `it does not answer at ${endpoint}: ${toEtcdError(error).message}` };
      }
    }),
  );
}

/** The leader that a majority of the members that answer agree on. */
export function leaderOf(members: readonly Member[]): string | undefined {
  const voters = votersOf({ members });
  const votes = voters.flatMap((member) => member.status?.leaderId ?? []);
  return voters.find((member) => votes.filter((id) => id === member.id).length > votes.length / 2)?.id;
}
