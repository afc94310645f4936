import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { readAlarms } from '../etcd/cluster/inspect.ts';
import { readMembers } from '../etcd/cluster/members.ts';
import type { ClusterStatus } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunState } from './state.ts';

/** What is read of the cluster once more, because a run takes time and changes it. */

interface RereadInput {
  client: ClusterClient;
  cluster: ClusterStatus;
  plan: Pick<Plan, 'problems'>;
  log: Log;
  signal: AbortSignal;
}

/** A database may fill up while it is backed up; the alarm that tells so is then dealt with in this run. */
export async function withAlarmsOfNow(
  { warnings }: RunState,
  { client, cluster, plan }: RereadInput,
): Promise<ClusterStatus> {
  if (plan.problems.length > 0) return cluster;
  return { ...cluster, alarms: await readAlarms(client, cluster.members, cluster.leaderId, warnings) };
}

/** The members' sizes at the end, for the report. What cannot be read any more is simply not claimed. */
export async function rereadMembers(state: RunState, { client, signal, log }: RereadInput): Promise<void> {
  if (signal.aborted) return;
  try {
    state.membersAfter = await readMembers(client, signal);
  } catch (error) {
    log.warn({ err: error }, 'members not read again');
  }
}
