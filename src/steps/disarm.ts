import type { Config } from '../config/config.ts';
import { Failure } from '../errors.ts';
import { disarmNoSpace } from '../etcd/client/alarms.ts';
import type { Connection } from '../etcd/client/connection.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { checkHealthy } from '../etcd/cluster/healthy.ts';
import { toEtcdError } from '../etcd/errors.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { FULL_USAGE, quotaFor, untoldQuotas } from '../plan/members.ts';
import type { StepEnd } from '../plan/steps.ts';

interface DisarmInput {
  client: ClusterClient;
  cluster: ClusterStatus;
  config: Pick<Config, 'quotaBytes'>;
  lock: Lock;
  log: Log;
  signal: AbortSignal;
}

/**
 * Disarms NOSPACE, and no other alarm, once there is room on every voting member; then proves that a write works.
 * @throws Failure `step`, `refused`
 */
export async function disarm(input: DisarmInput): Promise<StepEnd> {
  const { client, cluster, log, signal } = input;
  const members = await checkHealthy(client, signal);
  refuseWhileFull(members, input);
  const leader = members.find((member) => member.id === member.status?.leaderId);
  const connection = leader && client.connections.get(leader.id);
  if (connection === undefined)
    throw new Failure('step', 'NOSPACE was not disarmed: the leader cannot be reached');
  const alarmed = cluster.alarms.filter(({ type }) => type === 'NOSPACE').map(({ memberId }) => memberId);
  await disarmMembers(connection, alarmed, input);
  log.info({ members: alarmed }, 'alarm NOSPACE disarmed, the cluster takes writes again');
  return { status: 'done', reason: 'NOSPACE disarmed, and a write works' };
}

function refuseWhileFull(members: readonly Member[], { cluster, config }: DisarmInput): void {
  for (const member of votersOf({ members })) {
    const quota = quotaFor(member, cluster, config);
    const { dbSize = 0 } = member.status ?? {};
    // A guess is no reason to leave a cluster without writes: where it was right, the alarm comes back at the first one.
    if (quota.kind !== 'known' || dbSize < FULL_USAGE * quota.bytes) continue;
    throw new Failure(
      'refused',
      `NOSPACE was not disarmed: the database of ${label(member)} still takes ${dbSize} of ${quota.bytes} bytes, ` +
        `and the alarm would come straight back. The cluster takes no writes. ${whatToDo([])}`,
    );
  }
}

async function disarmMembers(
  leader: Connection,
  memberIds: readonly string[],
  { cluster, config, lock }: DisarmInput,
): Promise<void> {
  try {
    await lock.ensure();
    for (const memberId of memberIds) await disarmNoSpace(leader, memberId);
    if (!(await lock.touch()))
      throw new Failure(
        'step',
        `NOSPACE came straight back: the cluster takes no writes. ${whatToDo(untoldQuotas(cluster, config))}`,
      );
  } catch (error) {
    throw new Failure(
      'step',
      `NOSPACE was not disarmed, or came back: ${toEtcdError(error).message}. The cluster may take no writes`,
      { cause: error },
    );
  }
}

function whatToDo(untold: readonly Member[]): string {
  const room = 'Delete what is not needed, or raise --quota-backend-bytes';
  if (untold.length === 0) return room;
  return `${room}; and set QUOTA_BYTES to it, since ${untold.map(label).join(', ')} does not tell its own`;
}
