import type { Config } from '../config/config.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { readAlarms } from '../etcd/cluster/inspect.ts';
import { readMembers } from '../etcd/cluster/members.ts';
import { type Gate, openGate } from '../etcd/cluster/permit.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import type { ClusterStatus } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { judgeAgain } from '../plan/again.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedStep } from '../plan/steps.ts';
import type { RunState } from './state.ts';

/** What is read of the cluster once more, because a run takes time and changes it. */

interface RereadInput {
  client: ClusterClient;
  cluster: ClusterStatus;
  plan: Pick<Plan, 'problems'>;
  log: Log;
  signal: AbortSignal;
}

/** The way to a change for each step: the cluster is read again and judged by the step's own rules before every one. */
export const gates =
  ({ client, cluster, log, signal }: RereadInput, config: Config, lock: Lock) =>
  (step: PlannedStep): Gate =>
    openGate({
      client,
      planned: cluster,
      judge: (now) => judgeAgain(step, cluster, now, config),
      lock,
      log,
      signal,
    });

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
