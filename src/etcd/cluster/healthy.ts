import { pause } from '../../util/abortable.ts';
import { Failure } from '../../errors.ts';
import { alarmsOf } from '../client/alarms.ts';
import type { Connection } from '../client/connection.ts';
import { statusOnce } from '../client/status.ts';
import type { ClusterClient } from './discover.ts';
import { leaderOf, readMembers } from './members.ts';
import { toEtcdError } from '../errors.ts';
import { label, type Member, votersOf } from '../types.ts';

/** Whether a cluster is healthy enough to be changed, read from the members each time. */

const POLL_MS = 500;

/** Why the cluster must not be touched now, or undefined. */
function troubleOf(members: readonly Member[]): string | undefined {
  const sick = votersOf({ members }).find((member) => member.problem !== undefined);
  if (sick) return `${label(sick)} is not healthy: ${sick.problem}`;
  const alarms = members.flatMap((member) => (member.status ? alarmsOf(member.status) : []));
  // NOSPACE is what maintenance is for; CORRUPT is a person's business.
  if (alarms.some((alarm) => alarm.type === 'CORRUPT')) return 'there is a CORRUPT alarm';
  if (leaderOf(members) === undefined) return 'there is no leader';
  return undefined;
}

/** Waits until the member answers as itself. @returns false when it did not within the time */
export async function awaitAnswer(
  connection: Connection,
  memberId: string,
  patienceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return (await statusOnce(connection)).memberId === memberId;
    } catch (error) {
      if (performance.now() >= deadline) return false;
      if (toEtcdError(error).code === 'access') return false;
    }
    await pause(POLL_MS, signal);
  }
}

/**
 * Waits until every voting member answers, keeps up and follows one leader, and none is corrupt, and until that has
 * held for `steadyMs` without a break: an election in between is no illness.
 * @throws Failure `refused` when it has not within `patienceMs` beyond that
 */
export async function awaitHealthy(
  client: ClusterClient,
  { steadyMs, patienceMs, signal }: { steadyMs: number; patienceMs: number; signal: AbortSignal },
): Promise<Member[]> {
  const deadline = performance.now() + steadyMs + patienceMs;
  let wellSince: number | undefined;
  for (;;) {
    const members = await readMembers(client, signal);
    const trouble = troubleOf(members);
    const now = performance.now();
    wellSince = trouble === undefined ? (wellSince ?? now) : undefined;
    if (wellSince !== undefined && now - wellSince >= steadyMs) return members;
    if (now >= deadline) throw unhealthy(steadyMs, trouble);
    await pause(POLL_MS, signal);
  }
}

function unhealthy(steadyMs: number, trouble: string | undefined): Failure {
  const forSoLong = steadyMs > 0 ? ` for ${steadyMs / 1000} s on end` : '';
  return new Failure('refused', `the cluster is not well${forSoLong}: ${trouble ?? 'it keeps changing'}`);
}

/** Before a change: long enough for an election, too short for a sick member to go unnoticed. */
export const checkHealthy = (client: ClusterClient, signal: AbortSignal): Promise<Member[]> =>
  awaitHealthy(client, { steadyMs: 0, patienceMs: 10_000, signal });
