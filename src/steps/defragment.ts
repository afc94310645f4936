import type { BackupGuarantee } from '../backup/proof.ts';
import type { Config } from '../config/config.ts';
import { Failure } from '../errors.ts';
import type { Connection } from '../etcd/client/connection.ts';
import { moveLeader } from '../etcd/client/maintenance.ts';
import { defragmentAndAwait } from '../etcd/cluster/defragmentation.ts';
import { type ClusterClient, identityOf } from '../etcd/cluster/discover.ts';
import { leaderOf, readMembers } from '../etcd/cluster/members.ts';
import type { Gate, Permit } from '../etcd/cluster/permit.ts';
import { awaitNoSnapshotStream } from '../etcd/cluster/snapshot-streams.ts';
import { mayHaveBeenDone, toEtcdError } from '../etcd/errors.ts';
import type { Lock } from '../etcd/lock/lock.ts';
import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import { judgeMember } from '../plan/members.ts';
import type { StepEnd } from '../plan/steps.ts';
import { type MemberOutcome, outcomeOf, secondsOf } from './defragment/outcome.ts';

export type { MemberOutcome } from './defragment/outcome.ts';

interface DefragmentInput {
  client: ClusterClient;
  config: Pick<Config, 'defrag' | 'quotaBytes'>;
  gate: Gate;
  lock: Lock;
  log: Log;
  signal: AbortSignal;
  /** told as soon as it is known, so that it is in the report however the step ends */
  onMember: (memberId: string, outcome: MemberOutcome) => void;
}

/** What is true if nothing is noted after it. */
const ENDED_MEANWHILE =
  'the run was ended meanwhile; the member goes on defragmenting by itself and answers again when it is done';

/**
 * Defragments the members that the policy picks, one at a time, followers first and the leader last.
 * @throws Failure `step` or `refused` at the first thing that is not as it should be
 */
export async function defragment(_guarantee: BackupGuarantee, input: DefragmentInput): Promise<StepEnd> {
  const begun = new Set<string>();
  try {
    // The sizes after the compaction decide.
    const { members, ...cluster } = await input.gate.settled();
    const waiting = pickMembers({ ...cluster, members }, input);
    if (waiting.length === 0) return { status: 'skipped', reason: 'no member is worth it by the policy' };
    await visitAll(input, waiting, begun);
    return { status: 'done', reason: `${begun.size} of ${members.length} members defragmented` };
  } catch (error) {
    throw withReach(error);
  }
}

/** Says how far it came; what is no failure of this step comes back as it is. */
function withReach(error: unknown): Failure {
  const failure =
    error instanceof Failure ? error : new Failure('step', toEtcdError(error).message, { cause: error });
  const { kind, message } = failure;
  if (kind !== 'step' && kind !== 'refused') return failure;
  return new Failure(kind, `${message}; no further member was touched`, { cause: failure });
}

function pickMembers(cluster: ClusterStatus, { config, onMember }: DefragmentInput): Member[] {
  return votersOf(cluster).filter((member) => {
    const decision = judgeMember(member, cluster, config);
    onMember(member.id, { defragmented: false, reason: decision.reason });
    if (!decision.do && decision.status === 'refused') {
      throw new Failure('refused', `${label(member)}: ${decision.reason}`);
    }
    return decision.do;
  });
}

async function visitAll(
  input: DefragmentInput,
  picked: readonly Member[],
  begun: Set<string>,
): Promise<void> {
  let waiting = picked;
  while (waiting.length > 0) {
    // Asked anew each time: leadership may have moved since.
    const { leaderId } = await input.gate.settled();
    const next = waiting.find((member) => member.id !== leaderId) ?? waiting[0];
    if (next === undefined) return;
    await visit(input, next, { waiting, begun });
    waiting = waiting.filter((member) => member !== next);
  }
}

/** Who is not yet visited, and whose defragmentation has begun. */
interface Round {
  waiting: readonly Member[];
  begun: Set<string>;
}

/** Brings one member into a state in which it may be defragmented, and does it. */
async function visit(input: DefragmentInput, member: Member, round: Round): Promise<void> {
  const { client, config, gate, lock, onMember, signal } = input;
  try {
    const connection = client.connections.get(member.id);
    if (connection === undefined) throw new Failure('refused', member.problem ?? 'it is not reachable');
    await awaitNoSnapshotStream(connection, lock, signal);
    let permit = await gate.permit();
    if (mustHandOver(permit.cluster, member, config)) {
      await moveLeadership(input, permit, connection, { leader: member, waiting: round.waiting });
      permit = await gate.permit();
      if (permit.cluster.leaderId === member.id)
        throw new Failure('refused', 'it is the leader again, so it was left alone');
    }
    const now = permit.cluster.members.find(({ id }) => id === member.id) ?? member;
    const decision = judgeMember(now, permit.cluster, config);
    onMember(member.id, { defragmented: false, reason: decision.reason });
    if (!decision.do) return; // somebody else has freed it meanwhile
    round.begun.add(member.id);
    await defragmentOne(input, permit, connection, now);
  } catch (error) {
    throw withMember(member, error);
  }
}

const mustHandOver = (
  cluster: ClusterStatus,
  { id }: Member,
  { defrag }: DefragmentInput['config'],
): boolean => defrag.moveLeader && id === cluster.leaderId && votersOf(cluster).length > 1;

/** Says which member it was; what is no failure of this step comes back as it is. */
function withMember(member: Member, error: unknown): unknown {
  if (!(error instanceof Failure) || (error.kind !== 'step' && error.kind !== 'refused')) return error;
  return new Failure(error.kind, `${label(member)}: ${error.message}`, { cause: error });
}

/** To the healthy voting follower that is farthest, of those whose turn has been: what is led next is not touched again. */
async function moveLeadership(
  input: DefragmentInput,
  permit: Permit,
  connection: Connection,
  { leader, waiting }: { leader: Member; waiting: readonly Member[] },
): Promise<void> {
  const { client, log, signal } = input;
  const notYet = new Set([leader, ...waiting].map(({ id }) => id));
  const successor = votersOf(permit.cluster)
    .filter((member) => !notYet.has(member.id) && member.problem === undefined)
    .toSorted((a, b) => (b.status?.raftAppliedIndex ?? 0) - (a.status?.raftAppliedIndex ?? 0))[0];
  if (successor === undefined) {
    throw new Failure(
      'refused',
      'there is no healthy voting follower to give the leadership to, so the leader was left alone',
    );
  }
  const error = await moveLeader(permit, connection, successor.id).then(() => undefined, toEtcdError);
  // A lost answer says nothing, and who leads can be seen. A move that took too long may still come to nothing.
  const lost = error !== undefined && error.code !== 'timeout' && mayHaveBeenDone(error.code);
  if (error !== undefined && !(lost && leaderOf(await readMembers(client, signal)) === successor.id)) {
    const { message } = error;
    throw new Failure(
      'refused',
      `the leadership did not move to ${label(successor)} (${message}), so the leader was left alone`,
      { cause: error },
    );
  }
  log.info({ from: leader.name, to: successor.name }, 'leadership moved');
}

async function defragmentOne(
  { client, config, gate, lock, log, onMember, signal }: DefragmentInput,
  permit: Permit,
  connection: Connection,
  member: Member,
): Promise<void> {
  const { timeoutMs, waitMs } = config.defrag;
  const { name, status: before } = member;
  await lock.avoid(member.id);
  log.info({ member: name, bytes: before?.dbSize, bytesInUse: before?.dbSizeInUse }, 'member defragmenting');
  onMember(member.id, { defragmented: false, reason: ENDED_MEANWHILE });
  try {
    const ending = await defragmentAndAwait(permit, connection, identityOf(client, member), {
      timeoutMs,
      signal,
      onSilence: (ms) =>
        log.warn({ member: name, seconds: secondsOf(ms) }, 'member does not answer yet, waiting for it'),
    });
    const seconds = secondsOf(ending.ms);
    const { failure, ...seen } = outcomeOf(ending, before, timeoutMs);
    onMember(member.id, { ...seen, unavailableSeconds: seconds });
    if (failure !== undefined) throw failure;
    log.info({ member: name, seconds, reason: seen.reason }, 'member defragmented');
    await gate.settled({ steadyMs: waitMs, patienceMs: timeoutMs });
  } finally {
    if (!signal.aborted) await lock.avoid(undefined);
  }
}
