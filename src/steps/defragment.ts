import type { BackupGuarantee } from '../backup/proof.ts';
import type { Config } from '../config/config.ts';
import { Failure } from '../errors.ts';
import { defragmentMember, moveLeader } from '../etcd/client/maintenance.ts';
import type { Connection } from '../etcd/client/connection.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { awaitAnswer, awaitHealthy, checkHealthy } from '../etcd/cluster/healthy.ts';
import { leaderOf, readMembers } from '../etcd/cluster/members.ts';
import { awaitNoSnapshotStream } from '../etcd/cluster/snapshot-streams.ts';
import { type EtcdError, toEtcdError } from '../etcd/errors.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { judgeMember } from '../plan/members.ts';
import type { StepEnd } from '../plan/steps.ts';

interface DefragmentInput {
  client: ClusterClient;
  /** with the alarms of now */
  cluster: ClusterStatus;
  config: Pick<Config, 'defrag' | 'quotaBytes'>;
  lock: Lock;
  log: Log;
  signal: AbortSignal;
  /** told as soon as it is known, so that it is in the report however the step ends */
  onMember: (memberId: string, outcome: MemberOutcome) => void;
}

/** What became of one member. */
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
 * @throws Failure `step` or `refused` at the first thing that is not as it should be
 */
export async function defragment(_guarantee: BackupGuarantee, input: DefragmentInput): Promise<StepEnd> {
  const { client, signal } = input;
  // Tsuccessor sizes after the compaction.
  const all = await readMembers(client, signal);
  const picked = pickMembers(all, input);
  let waiting = picked;
  while (waiting.length > 0) {
    // Asked anew each time: leadership may have moved since.
    const members = await checkHealthy(client, signal);
    const leaderId = leaderOf(members);
    const next = waiting.find((member) => member.id !== leaderId) ?? waiting[0];
    if (next === undefined) break;
    await visit(input, next, members);
    waiting = waiting.filter((member) => member !== next);
  }
  if (picked.length === 0) return { status: 'skipped', reason: 'no member is worth it by the policy' };
  return { status: 'done', reason: `${picked.length} of ${all.length} members defragmented` };
}

function pickMembers(members: readonly Member[], { cluster, config, onMember }: DefragmentInput): Member[] {
  return votersOf({ members }).filter((member) => {
    const decision = judgeMember(member, cluster, config);
    onMember(member.id, { defragmented: false, reason: decision.reason });
    if (!decision.do && decision.status === 'refused') {
      throw new Failure('refused', `${label(member)}: ${decision.reason}; no member was touched`);
    }
    return decision.do;
  });
}

/** Brings one member into a state in which it may be defragmented, and does it. */
async function visit(input: DefragmentInput, member: Member, members: readonly Member[]): Promise<void> {
  const { client, config, lock, signal } = input;
  try {
    const connection = client.connections.get(member.id);
    if (connection === undefined) throw new Failure('refused', member.problem ?? 'it is not reachable');
    await awaitNoSnapshotStream(connection, lock, signal);
    if (member.id === leaderOf(members) && votersOf({ members }).length > 1 && config.defrag.moveLeader) {
      await moveLeadership(input, connection, member, members);
    }
    await lock.ensure();
    await defragmentOne(input, connection, member);
  } catch (error) {
    throw withMember(member, error);
  }
}

/** Says which member it was; what is no failure of this step comes back as it is. */
function withMember(member: Member, error: unknown): Failure {
  const failure =
    error instanceof Failure ? error : new Failure('step', toEtcdError(error).message, { cause: error });
  const { kind, message } = failure;
  if (kind !== 'step' && kind !== 'refused') return failure;
  return new Failure(kind, `${label(member)}: ${message}; no further member was touched`, { cause: failure });
}

/** Every other voting member has been visited by now, since the leader is the last one. */
async function moveLeadership(
  input: DefragmentInput,
  connection: Connection,
  leader: Member,
  members: readonly Member[],
): Promise<void> {
  const successor = votersOf({ members })
    .filter((member) => member.id !== leader.id && member.problem === undefined)
    .toSorted((a, b) => (b.status?.raftAppliedIndex ?? 0) - (a.status?.raftAppliedIndex ?? 0))[0];
  if (successor === undefined) {
    throw new Failure(
      'refused',
      'there is no healthy voting follower to give the leadership to, so the leader was left alone',
    );
  }
  try {
    await input.lock.ensure();
    await moveLeader(connection, successor.id);
  } catch (error) {
    throw new Failure(
      'refused',
      `the leadership did not move to ${label(successor)} (${toEtcdError(error).message}), so the leader was left alone`,
      { cause: error },
    );
  }
  const now = await checkHealthy(input.client, input.signal);
  if (leaderOf(now) === leader.id)
    throw new Failure('refused', 'it is the leader again, so it was left alone');
  input.log.info({ from: leader.name, to: successor.name }, 'leadership moved');
}

async function defragmentOne(input: DefragmentInput, connection: Connection, member: Member): Promise<void> {
  const { client, config, lock, log, onMember, signal } = input;
  const { timeoutMs, waitMs } = config.defrag;
  await lock.avoid(member.id);
  log.info(
    { member: member.name, bytes: member.status?.dbSize, bytesInUse: member.status?.dbSizeInUse },
    'member defragmenting',
  );
  onMember(member.id, { defragmented: false, reason: ENDED_MEANWHILE });
  try {
    const ending = await defragmentAndAwait(connection, member.id, timeoutMs, signal);
    const { seconds } = ending;
    const failure = failureOf(ending, timeoutMs);
    const reason = failure?.message ?? 'defragmented';
    onMember(member.id, { defragmented: isDefragmented(ending), reason, unavailableSeconds: seconds });
    if (failure !== undefined) throw failure;
    log.info({ member: member.name, seconds }, 'member defragmented');
    await awaitHealthy(client, { steadyMs: waitMs, patienceMs: timeoutMs, signal });
  } finally {
    if (!signal.aborted) await lock.avoid(undefined);
  }
}

/** How one member's defragmentation ended. */
interface Ending {
  /** what the call ended with, where it failed */
  error: EtcdError | undefined;
  /** whether the member answered afterwards */
  answered: boolean;
  /** until it did, or was given up */
  seconds: number;
}

/** Nobody may touch anything before the member answers: its defragmentation may still be going on. */
async function defragmentAndAwait(
  connection: Connection,
  memberId: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Ending> {
  const began = performance.now();
  const error = await defragmentMember(connection, timeoutMs).then(() => undefined, toEtcdError);
  const patienceMs = error?.code === 'timeout' ? OVERDUE_MS : timeoutMs;
  const answered = await awaitAnswer(connection, memberId, patienceMs, signal);
  return { error, answered, seconds: Math.round((performance.now() - began) / 100) / 10 };
}

/** After a deadline the member has gone on: it is done once it answers. */
const isDefragmented = ({ error, answered }: Ending): boolean =>
  error === undefined || (error.code === 'timeout' && answered);

/** What went wrong with one member's defragmentation, if anything. */
function failureOf({ error, answered, seconds }: Ending, timeoutMs: number): Failure | undefined {
  if (!answered) {
    const why = error === undefined ? '' : ` (${error.message})`;
    return new Failure(
      'step',
      `it has not answered since its defragmentation began ${seconds} s ago${why}: look at its log, its disk and whether kubelet restarts it`,
    );
  }
  if (error === undefined) return undefined;
  if (error.code === 'timeout') {
    return new Failure(
      'step',
      `it was defragmented, but took ${seconds} s, longer than DEFRAG_TIMEOUT (${timeoutMs / 1000} s): raise that, and look at its disk`,
    );
  }
  return new Failure('step', `etcd did not defragment it: ${error.message}`, { cause: error });
}
