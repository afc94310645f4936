import { alarmList, alarmsOf } from '../client/alarms.ts';
import { compactRevision, compactRevKey } from '../client/compaction.ts';
import type { Connection } from '../client/connection.ts';
import { TRIES_OF_A_NEW_CLUSTER } from '../client/downgrade.ts';
import { readMetrics } from '../client/metrics.ts';
import { accessDenied, toEtcdError } from '../errors.ts';
import {
  type Alarm,
  type ClusterStatus,
  DEFAULT_QUOTA_BYTES,
  label,
  type Member,
  type Quota,
  votersOf,
} from '../types.ts';
import { tellsQuota } from '../versions.ts';
import { hashAgreement, type HashPolicy } from './consistency.ts';
import type { ClusterClient } from './discover.ts';
import { readDowngrade } from './downgrade.ts';
import { leaderOf, readMembers } from './members.ts';

const QUOTA_METRIC = 'etcd_server_quota_backend_bytes';

/**
 * Everything the plan needs to know, read without writing anything.
 * @throws Failure `configuration` when etcd refuses a right that the run needs.
 */
export async function inspect(client: ClusterClient, policy: HashPolicy): Promise<ClusterStatus> {
  const members = await readMembers(client);
  const leaderId = leaderOf(members);
  const warnings = [...client.warnings];
  const alarms = await readAlarms(client, members, leaderId, warnings);
  const quotas = await readQuotas(client, members);
  const downgrade = await readDowngrade(client, members, leaderId, TRIES_OF_A_NEW_CLUSTER);
  const compaction = await readCompaction(client, members, leaderId, warnings);
  const hashes = await hashAgreement(client, members, leaderId, policy);
  if (hashes.kind === 'not-comparable') warnings.push(hashes.message);
  return {
    id: client.id,
    members,
    ...(leaderId !== undefined && { leaderId }),
    alarms,
    revision: Math.max(0, ...votersOf({ members }).map((member) => member.status?.revision ?? 0)),
    quotas,
    downgrade,
    ...compaction,
    hashes,
    warnings,
  };
}

/** The alarms that the members' last answers speak of, and those that the cluster agrees on now. */
export async function readAlarms(
  client: ClusterClient,
  members: readonly Member[],
  leaderId: string | undefined,
  warnings: string[],
): Promise<Alarm[]> {
  const told = alarmsOfMembers(members);
  const leader = leaderId === undefined ? undefined : client.connections.get(leaderId);
  if (leader === undefined) return told;
  try {
    return unique([...told, ...(await alarmList(leader))]);
  } catch (error) {
    warnings.push(
      `the alarm list could not be read, only what each member says of it: ${toEtcdError(error).message}`,
    );
    return told;
  }
}

/** The alarms that the members' last answers speak of. */
export const alarmsOfMembers = (members: readonly Member[]): Alarm[] =>
  unique(members.flatMap((member) => (member.status ? alarmsOf(member.status) : [])));

const unique = (alarms: readonly Alarm[]): Alarm[] => [
  ...new Map(alarms.map((alarm) => [`${alarm.memberId} ${alarm.type}`, alarm])).values(),
];

async function readQuotas(client: ClusterClient, members: readonly Member[]): Promise<Record<string, Quota>> {
  const quotas = members.map(async (member) => [member.id, await quotaOf(client, member)] as const);
  return Object.fromEntries(await Promise.all(quotas));
}

async function quotaOf(client: ClusterClient, { id, status }: Member): Promise<Quota> {
  const connection = client.connections.get(id);
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
  client: ClusterClient,
  members: readonly Member[],
  leaderId: string | undefined,
  warnings: string[],
): Promise<Pick<ClusterStatus, 'compactRevKey' | 'compactRevision'>> {
  const asked =
    members.find((member) => member.id === leaderId) ?? votersOf({ members }).find((member) => member.status);
  const connection = asked && client.connections.get(asked.id);
  if (asked === undefined || connection === undefined)
    return { compactRevKey: { kind: 'unknown', message: 'no voting member could be asked' } };
  // Two reads, and each stands for itself: what one of them told is not dropped because the other failed.
  const key = await readOrReason(connection, compactRevKey);
  const revision = await readOrReason(connection, compactRevision);
  if (typeof revision === 'string')
    warnings.push(`the compact revision could not be read at ${label(asked)}: ${revision}`);
  return {
    compactRevKey: typeof key === 'string' ? { kind: 'unknown', message: `${label(asked)}: ${key}` } : key,
    ...(typeof revision === 'number' && { compactRevision: revision }),
  };
}

/** What was read, or why it could not be, in words. @throws Failure `configuration` when etcd refuses the right */
async function readOrReason<T>(
  connection: Connection,
  read: (connection: Connection) => Promise<T>,
): Promise<T | string> {
  try {
    return await read(connection);
  } catch (error) {
    const reason = toEtcdError(error);
    if (reason.code === 'access') throw accessDenied(connection.endpoint, reason);
    return reason.message;
  }
}
