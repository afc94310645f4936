import { tellsQuota } from '../versions.ts';
import { alarmList, alarmsOf, compactRevision, compactRevKey } from '../client/calls.ts';
import { checkConsistency } from './consistency.ts';
import { accessDenied, type Cluster } from './discover.ts';
import { leaderOf, readMembers } from './members.ts';
import { readMetrics } from '../client/metrics.ts';
import { toEtcdError } from '../errors.ts';
import {
  type Alarm,
  type ClusterStatus,
  DEFAULT_QUOTA_BYTES,
  label,
  type Member,
  type Quota,
  votersOf,
} from '../types.ts';

const QUOTA_METRIC = 'etcd_server_quota_backend_bytes';

/**
 * Everything the plan needs to know, read without writing anything.
 * @throws Failure `configuration` when etcd refuses a right that the run needs.
 */
export async function inspect(cluster: Cluster, checkHashes: boolean): Promise<ClusterStatus> {
  const members = await readMembers(cluster);
  const leaderId = leaderOf(members);
  const warnings = [...cluster.warnings];
  const alarms = await readAlarms(cluster, members, leaderId, warnings);
  const quotas = Object.fromEntries(
    await Promise.all(members.map(async (member) => [member.id, await quotaOf(cluster, member)] as const)),
  );
  const { key, compacted } = await readCompaction(cluster, members, leaderId, warnings);
  const hashes = checkHashes
    ? await checkConsistency(cluster, members, leaderId)
    : { kind: 'not-checked' as const, message: 'CONSISTENCY_CHECK is false' };
  if (hashes.kind === 'not-comparable') warnings.push(hashes.message);
  return {
    id: cluster.id,
    members,
    ...(leaderId !== undefined && { leaderId }),
    alarms,
    revision: Math.max(0, ...votersOf({ members }).map((member) => member.status?.revision ?? 0)),
    quotas,
    ...(key !== undefined && { compactRevKey: key }),
    ...(compacted !== undefined && { compactRevision: compacted }),
    hashes,
    warnings,
  };
}

/** The alarms that the members' last answers speak of, and those that the cluster agrees on now. */
export async function readAlarms(
  cluster: Cluster,
  members: readonly Member[],
  leaderId: string | undefined,
  warnings: string[],
): Promise<Alarm[]> {
  const told = members.flatMap((member) => (member.status ? alarmsOf(member.status) : []));
  const leader = leaderId === undefined ? undefined : cluster.connections.get(leaderId);
  if (leader === undefined) return unique(told);
  try {
    return unique([...told, ...(await alarmList(leader))]);
  } catch (error) {
    warnings.push(
      `the alarm list could not be read, only what each member says of it: ${toEtcdError(error).message}`,
    );
    return unique(told);
  }
}

const unique = (alarms: readonly Alarm[]): Alarm[] => [
  ...new Map(alarms.map((alarm) => [`${alarm.memberId} ${alarm.type}`, alarm])).values(),
];

async function quotaOf(cluster: Cluster, { id, status }: Member): Promise<Quota> {
  const connection = cluster.connections.get(id);
  if (connection === undefined || status === undefined) return toQuota(undefined);
  if (status.quotaBytes !== undefined && tellsQuota(status.version)) return toQuota(status.quotaBytes);
  return toQuota((await readMetrics(connection)).get(QUOTA_METRIC));
}

function toQuota(bytes: number | undefined): Quota {
  if (bytes === undefined || Number.isNaN(bytes)) return { kind: 'assumed', bytes: DEFAULT_QUOTA_BYTES };
  return bytes < 0 ? { kind: 'none' } : { kind: 'known', bytes };
}

/** What has been compacted so far, read from one member: the leader, or whoever answers. */
async function readCompaction(
  cluster: Cluster,
  members: readonly Member[],
  leaderId: string | undefined,
  warnings: string[],
) {
  const asked =
    members.find((member) => member.id === leaderId) ?? votersOf({ members }).find((member) => member.status);
  const connection = asked && cluster.connections.get(asked.id);
  if (connection === undefined) return {};
  try {
    return { key: await compactRevKey(connection), compacted: await compactRevision(connection) };
  } catch (error) {
    const refusal = toEtcdError(error);
    if (refusal.code === 'access') throw accessDenied(connection.endpoint, refusal);
    warnings.push(
      `the compact revision could not be read at ${asked ? label(asked) : 'any member'}: ${refusal.message}`,
    );
    return {};
  }
}
