import type { BackupGuarantee } from '../backup/proof.ts';
import { Failure } from '../errors.ts';
import { compactPhysically, compactRevision } from '../etcd/client/calls.ts';
import type { Cluster } from '../etcd/cluster/discover.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { toEtcdError } from '../etcd/errors.ts';
import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';

export interface CompactionTask {
  cluster: Cluster;
  view: ClusterStatus;
  lock: Lock;
  /** revisions of history to keep */
  window: number;
  timeoutMs: number;
  log: Log;
}

export interface CompactionResult {
  /** false: nothing new was compacted */
  done: boolean;
  reason: string;
  /** the compact revision before and after, as far as it could be read */
  from?: number;
  to?: number;
  /** undefined when there was nothing to aim at */
  target?: number;
}

/** How often a member is asked again whose deletion outlasts the deadline. It goes on meanwhile, and each time waits for it. */
const ASKS = 2;
/**
 * Compacts to the current revision minus the window, on every voting member: the call waits only for the member that
 * is asked, and what another has not deleted yet a defragmentation of it could not free.
 * @throws Failure `step`
 */
export async function compact(guarantee: BackupGuarantee, task: CompactionTask): Promise<CompactionResult> {
  const { view, window } = task;
  // Never past what the backup holds: history that no backup has must stay.
  const newest =
    guarantee.kind === 'verified' ? Math.min(view.revision, guarantee.manifest.revision) : view.revision;
  const target = newest - window;
  const from = view.compactRevision;
  if (target <= 0) {
    return {
      done: false,
      reason: `nothing to do: ${newest} revisions are within the window of ${window}`,
      ...known({ from, to: from }),
    };
  }
  await task.lock.ensure();
  const done = await compactEverywhere(task, target);
  const to = await revisionAfter(task);
  const reason = done
    ? `compacted to ${target}, keeping ${window} revisions`
    : `nothing new: revision ${target} was already compacted${to === undefined ? '' : ` (the history begins at ${to})`}`;
  return { done, reason, target, ...known({ from, to }) };
}

/**
 * A member counts a page as free only some commits after it was freed, and an idle one makes none (nor may anybody write
 * under NOSPACE): its sizes would still be those from before, and nothing would seem worth defragmenting. Every
 * compaction commits, so the last two revisions are compacted one by one, each when every member is done with the one
 * before it.
 *
 * @returns whether this run compacted anything; false when it had been already and every member has deleted it
 */
async function compactEverywhere(task: CompactionTask, target: number): Promise<boolean> {
  const voters = votersOf(task.view);
  const news = new Set<Member>();
  for (const revision of [target - 2, target - 1, target].filter((it) => it > 0)) {
    for (const member of voters) if (await compactTo(task, member, revision)) news.add(member);
  }
  for (const member of voters) {
    task.log.info(
      { member: member.name, target },
      news.has(member) ? 'member compacted' : 'member had compacted already',
    );
  }
  return news.size > 0;
}

async function compactTo(
  { cluster, timeoutMs, log }: CompactionTask,
  member: Member,
  revision: number,
): Promise<boolean> {
  const connection = cluster.connections.get(member.id);
  if (connection === undefined) {
    throw new Failure(
      'step',
      `${label(member)} could not be asked to compact: ${member.problem ?? 'it is not reachable'}`,
    );
  }
  for (let asked = 1; ; asked += 1) {
    try {
      await compactPhysically(connection, revision, timeoutMs);
      return true;
    } catch (error) {
      const refusal = toEtcdError(error);
      // A second answer after a deadline: it was this run's own compaction that is now done.
      if (refusal.code === 'compacted') return asked > 1;
      if (refusal.code !== 'timeout' || asked >= ASKS) {
        throw new Failure(
          'step',
          `${label(member)} did not compact to ${revision}: ${refusal.message}. The history may be compacted all the same; its space comes free when the member is done. Look at its log and at its disk, or raise COMPACTION_TIMEOUT`,
          { cause: refusal },
        );
      }
      log.warn(
        { member: member.name, revision, timeoutMs },
        'member still compacting after COMPACTION_TIMEOUT, asking again',
      );
    }
  }
}

async function revisionAfter({ cluster, view, log }: CompactionTask): Promise<number | undefined> {
  const connection = cluster.connections.get(view.leaderId ?? '') ?? [...cluster.connections.values()][0];
  if (connection === undefined) return undefined;
  try {
    return await compactRevision(connection);
  } catch (error) {
    log.warn({ reason: toEtcdError(error).message }, 'compact revision not read');
    return undefined;
  }
}

/** Only what is known, so that a report never shows an undefined number. */
function known({ from, to }: { from: number | undefined; to: number | undefined }) {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
