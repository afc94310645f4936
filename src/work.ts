import type { BackupGuarantee, VerifiedBackup } from './backup/proof.ts';
import type { Store } from './storage/store.ts';
import type { Config } from './config/config.ts';
import { Failure } from './errors.ts';
import type { Cluster } from './etcd/cluster/discover.ts';
import { readMembers } from './etcd/cluster/members.ts';
import { readAlarms } from './etcd/cluster/inspect.ts';
import { type Lock, takeLock } from './etcd/lock/lock.ts';
import { type ClusterStatus, label } from './etcd/types.ts';
import type { Log } from './log.ts';
import type { Recorder, StepEnd } from './run/recorder.ts';
import { judgeMember, type Plan, quotaFor } from './plan/plan.ts';
import { rate } from './util/progress.ts';
import type { RunState } from './run/report.ts';
import { backUp } from './steps/backup.ts';
import { compact } from './steps/compact.ts';
import { defragment } from './steps/defragment.ts';
import { disarm } from './steps/disarm.ts';
import { pruneBackups } from './steps/prune.ts';

/** Hands each step what it needs of the configuration and the plan, and takes what it did into the night. */

export interface Context {
  log: Log;
  /** aborted with an `Interrupted` when the process is to end */
  signal: AbortSignal;
  /** who runs, for a person who finds the lock */
  holder: string;
}

/** What the steps after the plan have in common. */
export interface Work extends Context, Recorder {
  config: Config;
  night: RunState;
  cluster: Cluster;
  clusterName: string;
  view: ClusterStatus;
  plan: Plan;
}

export async function lockCluster({
  cluster,
  config,
  night,
  holder,
  log,
  signal,
  record,
}: Work): Promise<Lock> {
  const { lock } = await record('lock', async () => {
    const taken = await takeLock(cluster, { ttlMs: config.lock.ttlMs, holder, log, signal });
    if (taken.missing === undefined)
      return { lock: taken, status: 'done', reason: 'no other run on this cluster' };
    const reason = `the cluster takes no writes, so the run goes on without a lock: ${taken.missing}`;
    night.warnings.push(reason);
    return { lock: taken, status: 'skipped', reason };
  });
  return lock;
}

/** Either a backup that was read back, or the operator's word that there is to be none. */
export async function backUpFirst(work: Work, store: Store): Promise<BackupGuarantee> {
  const { config, cluster, clusterName, view, plan, night } = work;
  const { from } = plan.backup;
  if (!config.backup.enabled) {
    await work.decided('backup', plan.backup, neverDone);
    await work.decided('prune', plan.prune, neverDone);
    return { kind: 'skip-confirmed' };
  }
  const connection = from && cluster.connections.get(from.id);
  if (from === undefined || connection === undefined) {
    throw new Failure('unreachable', `${plan.backup.reason}; nothing was backed up and nothing was changed`);
  }
  const hashKV = 'byMember' in view.hashes ? view.hashes.byMember[from.id] : undefined;
  const quotaBytes = night.quotas.get(from.id);
  const { backup } = await work.record('backup', async () => {
    const result = await backUp({
      connection,
      member: from,
      store,
      cluster: { name: clusterName, id: cluster.id },
      compression: config.backup.compression,
      recipients: config.backup.recipients,
      timeoutMs: config.backup.timeoutMs,
      problems: plan.problems,
      version: night.version,
      log: work.log,
      signal: work.signal,
      ...(hashKV && { hashKV }),
      ...(quotaBytes !== undefined && { quotaBytes }),
      ...(config.nodeName !== undefined && { node: config.nodeName }),
    });
    const { name, revision, raw, stored } = result.backup.manifest;
    night.backup = {
      name,
      store: store.location,
      revision,
      rawBytes: raw.size,
      storedBytes: stored.size,
      megabytesPerSecond: rate(raw.size, result.streamSeconds * 1000),
      streamSeconds: result.streamSeconds,
      readBackSeconds: result.readBackSeconds,
    };
    return {
      backup: result.backup,
      status: 'done',
      reason: [`${name} of ${label(from)}, read back and whole`, ...(plan.backup.doubts ?? [])].join('; '),
    };
  });
  return backup;
}

const neverDone = (): Promise<StepEnd> =>
  Promise.reject(new Error('the plan says that this is not to be done'));

/** A failure to delete old backups ends nothing; it is in the report and in the exit code. */
export async function prune(
  { config, cluster, clusterName, plan, night, log, signal, decided }: Work,
  store: Store,
  own: VerifiedBackup,
): Promise<void> {
  try {
    await decided('prune', plan.prune, async () => {
      const { removed, kept, left } = await pruneBackups(own, {
        store,
        cluster: { name: clusterName, id: cluster.id },
        keep: config.backup.keep,
        now: new Date(),
        // BACKUP_TIMEOUT is for both. Some of it is left, or there would be no backup.
        timeoutMs: config.backup.timeoutMs - (night.steps.backup?.durationMs ?? 0),
        log,
        signal,
      });
      night.backups = kept;
      return {
        status: removed.length > 0 ? 'done' : 'skipped',
        reason: `${removed.length} backups deleted, ${kept} kept${left > 0 ? `, ${left} left to later runs` : ''}`,
      };
    });
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'step') throw error;
  }
}

export async function compactHistory(
  { cluster, view, plan, config, night, log }: Work,
  lock: Lock,
  guarantee: BackupGuarantee,
): Promise<StepEnd> {
  const { window, windowFrom } = plan.compact;
  const { done, reason, ...revisions } = await compact(guarantee, {
    cluster,
    view,
    lock,
    window,
    timeoutMs: config.compaction.timeoutMs,
    log,
  });
  night.compaction = { ...revisions, window, windowFrom };
  return { status: done ? 'done' : 'skipped', reason };
}

/** A database may fill up while it is backed up; the alarm that tells so is then dealt with in this run. */
export async function withAlarmsNow({ cluster, view, night, plan }: Work): Promise<ClusterStatus> {
  if (plan.problems.length > 0) return view;
  return { ...view, alarms: await readAlarms(cluster, view.members, view.leaderId, night.warnings) };
}

export async function defragmentMembers(
  { cluster, view, config, night, log, signal }: Work,
  lock: Lock,
  guarantee: BackupGuarantee,
): Promise<StepEnd> {
  const { moveLeader, waitMs, timeoutMs } = config.defrag;
  const members = await readMembers(cluster, signal);
  const count = await defragment(guarantee, {
    cluster,
    members,
    judge: (member) => judgeMember(member, view, config),
    lock,
    moveLeader,
    waitMs,
    timeoutMs,
    log,
    signal,
    onMember: (id, outcome) => night.members.set(id, outcome),
  });
  if (count === 0) return { status: 'skipped', reason: 'no member is worth it by the policy' };
  return { status: 'done', reason: `${count} of ${members.length} members defragmented` };
}

export async function disarmAlarm(
  { cluster, view, config, log, signal }: Work,
  lock: Lock,
): Promise<StepEnd> {
  const alarmed = view.alarms.filter((alarm) => alarm.type === 'NOSPACE').map((alarm) => alarm.memberId);
  await disarm({ cluster, alarmed, quotaOf: (member) => quotaFor(member, view, config), lock, log, signal });
  return { status: 'done', reason: 'NOSPACE disarmed, and a write works' };
}

/** The members' sizes at the end, for the report. What cannot be read any more is simply not claimed. */
export async function lookAgain({ cluster, night, signal, log }: Work): Promise<void> {
  if (signal.aborted) return;
  try {
    night.after = await readMembers(cluster, signal);
  } catch (error) {
    log.warn({ err: error }, 'members not read again');
  }
}
