import { memberListNow } from '../client/maintenance.ts';
import { askVoters } from '../lock/voters.ts';
import type { ClusterStatus } from '../types.ts';
import type { ClusterClient } from './discover.ts';
import { readDowngrade } from './downgrade.ts';
import { alarmsOfMembers } from './inspect.ts';
import { leaderOf, readMembers } from './members.ts';

/**
 * The cluster as it is now: who its members are by the cluster's own agreement, and of every one its status, version,
 * lag and alarms, and whether a downgrade is enabled. What was read once for the plan (quotas, hashes, revisions) stays as
 * it was.
 *
 * @throws EtcdError where the member list cannot be read; every call has its deadline
 */
export async function readAgain(
  client: ClusterClient,
  planned: ClusterStatus,
  signal: AbortSignal,
): Promise<ClusterStatus> {
  const list = await askVoters(client, undefined, memberListNow);
  const members = await readMembers(client, signal, list);
  const leaderId = leaderOf(members);
  const { leaderId: _then, ...rest } = planned;
  return {
    ...rest,
    members,
    ...(leaderId !== undefined && { leaderId }),
    downgrade: await readDowngrade(client, members, leaderId),
    // Every member's Status tells them all. The alarm list would too, as an entry in the cluster's log each time.
    alarms: alarmsOfMembers(members),
  };
}
