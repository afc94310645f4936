import type { BackupGuarantee } from '../backup/proof.ts';
import { Failure } from '../errors.ts';
import { defragmentMember, moveLeader } from '../etcd/client/calls.ts';
import type { Connection } from '../etcd/client/connection.ts';
import type { Cluster } from '../etcd/cluster/discover.ts';
import { awaitHealthy, checkHealthy, awaitAnswer } from '../etcd/cluster/healthy.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { leaderOf } from '../etcd/cluster/members.ts';
import { type EtcdError, toEtcdError } from '../etcd/errors.ts';
import { awaitNoSnapshotStream } from '../etcd/cluster/snapshot-streams.ts';
import { label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import type { Decision } from '../plan/plan.ts';

export interface DefragmentTask {
  cluster: Cluster;
  /** the members with their sizes after the compaction */
  members: readonly Member[];
  /** the plan's judgement of one member at these sizes */
  judge: (member: Member) => Decision;
  lock: Lock;
  moveLeader: boolean;
  waitMs: number;
  timeoutMs: number;
  log: Log;
  signal: AbortSignal;
  /** told as soon as it is known, so that it is in the report however the step ends */
  onMember: (memberId: string, outcome: MemberOutcome) => void;
}

export interface MemberOutcome {
  defragmented: boolean;
  reason: string;
  /** how long it did not answer */
  unavailableSeconds?: number;
}

/** What is true if nothing is noted after it. */
const ENDED_MEANWHILE =
  'the run was ended meanwhile; the member goes on defragmenting by itself and answers again when it is done';

/** How long to wait for a member whose defragmentation outlasted its deadline: it cannot be stopped, only awaited. */
const OVERDUE_MS = 30 * 60_000;

/**
 * Defragments the members that the policy picks, one at a time, followers first and the leader last.
 * @returns how many; @throws Failure `step` at the first thing that is not as it should be
 */
export async function defragment(_guarantee: BackupGuarantee, task: DefragmentTask): Promise<number> {
  let waiting = votersOf(task).filter((member) => {
    const decision = task.judge(member);
    task.onMember(member.id, { defragmented: false, reason: decision.reason });
    if (!decision.do && decision.status === 'refused') {
      throw new Failure('refused', `${label(member)}: ${decision.reason}; no member was touched`);
    }
    return decision.do;
  });
  const picked = waiting.length;
  while (waiting.length > 0) {
    // S3Request anew each time: leadership may have moved since.
    const members = await checkHealthy(task.cluster, task.signal);
    const leaderId = leaderOf(members);
    const next = waiting.find((member) => member.id !== leaderId) ?? waiting[0];
    if (next === undefined) break;
    await visit(task, next, members);
    waiting = waiting.filter((member) => member !== next);
  }
  return picked;
}

/** Brings one member into a state in which it may be defragmented, and does it. */
async function visit(task: DefragmentTask, member: Member, members: readonly Member[]): Promise<void> {
  const { cluster, lock, signal } = task;
  try {
    const connection = cluster.connections.get(member.id);
    if (connection === undefined) throw new Failure('refused', member.problem ?? 'it is not reachable');
    await awaitNoSnapshotStream(connection, lock, signal);
    if (member.id === leaderOf(members) && votersOf({ members }).length > 1 && task.moveLeader) {
      await giveUpLeadership(task, connection, member, members);
    }
    await lock.ensure();
    await defragmentOne(task, connection, member);
  } catch (error) {
    const why =
      error instanceof Failure ? error : new Failure('step', toEtcdError(error).message, { cause: error });
    if (why.kind !== 'step' && why.kind !== 'refused') throw why;
    throw new Failure(why.kind, `${label(member)}: ${why.message}; no further member was touched`, {
      cause: why,
    });
  }
}

/** Every other voting member has been visited by now, since the leader is the last one. */
async function giveUpLeadership(
  task: DefragmentTask,
  connection: Connection,
  leader: Member,
  members: readonly Member[],
): Promise<void> {
  const heir = votersOf({ members })
    .filter((member) => member.id !== leader.id && member.problem === undefined)
    .toSorted((a, b) => (b.status?.raftAppliedIndex ?? 0) - (a.status?.raftAppliedIndex ?? 0))[0];
  if (heir === undefined) {
    throw new Failure(
      'refused',
      'there is no healthy voting follower to give the leadership to, so the leader was left alone',
    );
  }
  try {
    await task.lock.ensure();
    await moveLeader(connection, heir.id);
  } catch (error) {
    throw new Failure(
      'refused',
      `the leadership did not move to ${label(heir)} (${toEtcdError(error).message}), so the leader was left alone`,
      { cause: error },
    );
  }
  const now = await checkHealthy(task.cluster, task.signal);
  if (leaderOf(now) === leader.id)
    throw new Failure('refused', 'it is the leader again, so it was left alone');
  task.log.info({ from: leader.name, to: heir.name }, 'leadership moved');
}

async function defragmentOne(task: DefragmentTask, connection: Connection, member: Member): Promise<void> {
  const { cluster, lock, log, signal, timeoutMs, waitMs } = task;
  await lock.avoid(member.id);
  log.info(
    { member: member.name, bytes: member.status?.dbSize, bytesInUse: member.status?.dbSizeInUse },
    'member defragmenting',
  );
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10;
  const note = (defragmented: boolean, reason: string): void =>
    task.onMember(member.id, { defragmented, reason, unavailableSeconds: seconds() });
  task.onMember(member.id, { defragmented: false, reason: ENDED_MEANWHILE });
  try {
    const refusal = await defragmentMember(connection, timeoutMs).then(() => undefined, toEtcdError);
    // Nobody may touch anything before the member answers: its defragmentation may still be going on.
    const overdue = refusal?.code === 'timeout';
    const answered = await awaitAnswer(connection, member.id, overdue ? OVERDUE_MS : timeoutMs, signal);
    const failure = failureOf({ refusal, answered, seconds: seconds(), timeoutMs });
    note(refusal === undefined || (overdue && answered), failure?.message ?? 'defragmented');
    if (failure !== undefined) throw failure;
    log.info({ member: member.name, seconds: seconds() }, 'member defragmented');
    await awaitHealthy(cluster, { steadyMs: waitMs, patienceMs: timeoutMs, signal });
  } finally {
    if (!signal.aborted) await lock.avoid(undefined);
  }
}

interface Ending {
  /** what the call itself ended with */
  refusal: EtcdError | undefined;
  /** whether the member answered afterwards */
  answered: boolean;
  seconds: number;
  timeoutMs: number;
}

/** What went wrong with one member's defragmentation, if anything. */
function failureOf({ refusal, answered, seconds, timeoutMs }: Ending): Failure | undefined {
  const why = refusal === undefined ? '' : ` (${refusal.message})`;
  if (!answered) {
    return new Failure(
      'step',
      `it has not answered since its defragmentation began ${seconds} s ago${why}: look at its log, its disk and whether kubelet restarts it`,
    );
  }
  if (refusal === undefined) return undefined;
  if (refusal.code === 'timeout') {
    return new Failure(
      'step',
      `it was defragmented, but took ${seconds} s, longer than DEFRAG_TIMEOUT (${timeoutMs / 1000} s): raise that, and look at its disk`,
    );
  }
  return new Failure('step', `etcd did not defragment it: ${refusal.message}`, { cause: refusal });
}
