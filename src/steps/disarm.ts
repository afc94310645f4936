import type { Config } from '../config/config.ts';
import { Failure } from '../errors.ts';
import { alarmList, disarmNoSpace } from '../etcd/client/alarms.ts';
import type { Connection } from '../etcd/client/connection.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import type { Gate, Permit } from '../etcd/cluster/permit.ts';
import { mayHaveBeenDone, toEtcdError } from '../etcd/errors.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { alarmsOf } from '../plan/health.ts';
import { FULL_USAGE, quotaFor, untoldQuotas } from '../plan/members.ts';
import type { StepEnd } from '../plan/steps.ts';

interface DisarmInput {
  client: ClusterClient;
  config: Pick<Config, 'quotaBytes'>;
  gate: Gate;
  lock: Lock;
  log: Log;
}

/**
 * Disarms NOSPACE, and no other alarm, once there is room on every voting member; then proves that a write works.
 * @throws Failure `step`, `refused`
 */
export async function disarm(input: DisarmInput): Promise<StepEnd> {
  const { client, config, gate, log } = input;
  const permit = await gate.permit();
  const { cluster } = permit;
  refuseWhileFull(cluster, config);
  const leader = client.connections.get(cluster.leaderId ?? '');
  if (leader === undefined)
    throw new Failure('step', 'NOSPACE was not disarmed: the leader cannot be reached');
  const alarmed = alarmsOf(cluster, 'NOSPACE').map(({ memberId }) => memberId);
  if (alarmed.length === 0) return { status: 'skipped', reason: 'no NOSPACE alarm any more' };
  await disarmMembers(permit, leader, alarmed, input);
  log.info({ members: alarmed }, 'alarm NOSPACE disarmed, the cluster takes writes again');
  return { status: 'done', reason: 'NOSPACE disarmed, and a write works' };
}

const MAKE_ROOM = 'Delete what is not needed, or raise --quota-backend-bytes';

function refuseWhileFull(cluster: ClusterStatus, config: DisarmInput['config']): void {
  for (const member of votersOf(cluster)) {
    const quota = quotaFor(member, cluster, config);
    const { dbSize = 0 } = member.status ?? {};
    // A guess is no reason to leave a cluster without writes: where it was right, the alarm comes back at the first one.
    if (quota.kind !== 'known' || dbSize < FULL_USAGE * quota.bytes) continue;
    throw new Failure(
      'refused',
      `NOSPACE was not disarmed: the database of ${label(member)} still takes ${dbSize} of ${quota.bytes} bytes, ` +
        `and the alarm would come straight back. The cluster takes no writes. ${MAKE_ROOM}`,
    );
  }
}

async function disarmMembers(
  permit: Permit,
  leader: Connection,
  memberIds: readonly string[],
  { config, lock }: DisarmInput,
): Promise<void> {
  try {
    for (const memberId of memberIds) await disarmMember(permit, leader, memberId);
    if (!(await lock.touch()))
      throw new Failure(
        'step',
        `NOSPACE came straight back: the cluster takes no writes. ${whatToDo(untoldQuotas(permit.cluster, config))}`,
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
  if (untold.length === 0) return MAKE_ROOM;
  return `${MAKE_ROOM}; and set QUOTA_BYTES to it, since ${untold.map(label).join(', ')} does not tell its own`;
}

/** Where the answer was lost, the alarm list has it. */
async function disarmMember(permit: Permit, leader: Connection, memberId: string): Promise<void> {
  const error = await disarmNoSpace(permit, leader, memberId).then(() => undefined, toEtcdError);
  if (error === undefined) return;
  if (!mayHaveBeenDone(error.code)) throw error;
  const left = await alarmList(leader);
  if (left.some((alarm) => alarm.type === 'NOSPACE' && alarm.memberId === memberId)) throw error;
}
