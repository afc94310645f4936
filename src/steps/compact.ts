import type { BackupGuarantee } from '../backup/proof.ts';
import type { Config } from '../config/config.ts';
import { Failure } from '../errors.ts';
import { compactPhysically, compactRevision } from '../etcd/client/compaction.ts';
import { type ClusterClient, identityOf } from '../etcd/cluster/discover.ts';
import { awaitAnswer } from '../etcd/cluster/answer.ts';
import type { Gate, Permit } from '../etcd/cluster/permit.ts';
import { type EtcdError, mayHaveBeenDone, toEtcdError } from '../etcd/errors.ts';
import { type ClusterStatus, label, type Member, votersOf } from '../etcd/types.ts';
import type { Log } from '../log.ts';
import type { Window } from '../plan/compaction.ts';
import type { Plan } from '../plan/plan.ts';
import type { StepEnd } from '../plan/steps.ts';

interface CompactionInput {
  client: ClusterClient;
  cluster: ClusterStatus;
  config: Pick<Config, 'compaction'>;
  plan: Pick<Plan, 'window'>;
  gate: Gate;
  log: Log;
  signal: AbortSignal;
}

/** What the report says of the history; of the revisions those that are known. */
export interface CompactionFacts extends Window {
  /** the compact revision before and after */
  from?: number;
  to?: number;
  target?: number;
}

/**
 * How often a member is asked whose deletion outlasts the deadline, or whose answer was lost. It goes on meanwhile, and
 * each time waits for it.
 */
const ASKS = 2;

/**
 * Compacts to the current revision minus the window, on every voting member: the call waits only for the member that
 * is asked, and what another has not deleted yet a defragmentation of it could not free.
 * @throws Failure `step`; `refused` where the lock is another run's, or the cluster is not what it was
 */
export async function compact(
  guarantee: BackupGuarantee,
  input: CompactionInput,
): Promise<StepEnd & { facts: { compaction: CompactionFacts } }> {
  const { cluster, plan } = input;
  const { window } = plan.window;
  const newest = newestToCompact(guarantee, cluster);
  const target = newest - window;
  const from = cluster.compactRevision;
  const facts = (revisions: { to: number | undefined; target?: number }) => ({
    compaction: { ...plan.window, ...known({ from, ...revisions }) },
  });
  if (target <= 0) {
    const reason = `nothing to do: ${newest} revisions are within the window of ${window}`;
    return { status: 'skipped', reason, facts: facts({ to: from }) };
  }
  const done = await compactEveryMember(input, target);
  const to = await compactRevisionNow(input);
  if (done) {
    const reason = `compacted to ${target}, keeping ${window} revisions`;
    return { status: 'done', reason, facts: facts({ to, target }) };
  }
  const begins = to === undefined ? '' : ` (the history begins at ${to})`;
  const reason = `nothing new: revision ${target} was already compacted${begins}`;
  return { status: 'skipped', reason, facts: facts({ to, target }) };
}

/** Never past what the backup holds: history that no backup has must stay. */
function newestToCompact(guarantee: BackupGuarantee, { revision }: ClusterStatus): number {
  return guarantee.kind === 'verified' ? Math.min(revision, guarantee.manifest.revision) : revision;
}

/**
 * A member counts a page as free only some commits after it was freed, and an idle one makes none (nor may anybody write
 * under NOSPACE): its sizes would still be those from before, and nothing would seem worth defragmenting. Every
 * compaction commits, so the last two revisions are compacted one by one, each when every member is done with the one
 * before it.
 *
 * @returns whether this run compacted anything; false when it had been already and every member has deleted it
 */
async function compactEveryMember(input: CompactionInput, target: number): Promise<boolean> {
  const compacted = new Map<string, { member: Member; byUs: boolean }>();
  for (const revision of [target - 2, target - 1, target].filter((it) => it > 0)) {
    const permit = await input.gate.permit();
    for (const member of votersOf(permit.cluster)) {
      const byUs = await compactMember(input, permit, member, revision);
      compacted.set(member.id, { member, byUs: byUs || compacted.get(member.id)?.byUs === true });
    }
  }
  for (const { member, byUs } of compacted.values()) {
    input.log.info(
      { member: member.name, target },
      byUs ? 'member compacted' : 'member had compacted already',
    );
  }
  return [...compacted.values()].some(({ byUs }) => byUs);
}

/** @returns whether this run compacted it; false when it had been already */
async function compactMember(
  { client, config, log, signal }: CompactionInput,
  permit: Permit,
  member: Member,
  revision: number,
): Promise<boolean> {
  const connection = client.connections.get(member.id);
  if (connection === undefined) {
    throw new Failure(
      'step',
      `${label(member)} could not be asked to compact: ${member.problem ?? 'it is not reachable'}`,
    );
  }
  const { timeoutMs } = config.compaction;
  for (let asked = 1; ; asked += 1) {
    const error = await compactPhysically(permit, connection, revision, timeoutMs).then(
      () => undefined,
      toEtcdError,
    );
    if (error === undefined) return true;
    // A second answer after one that did not come: it was this run's own compaction that is now done.
    if (error.code === 'compacted') return asked > 1;
    if (!mayHaveBeenDone(error.code)) throw notCompacted(member, revision, error);
    if (asked >= ASKS) throw notSeen(member, revision, error);
    const { message: reason } = error;
    log.warn({ member: member.name, revision, timeoutMs, reason }, stillCompacting(error));
    if (error.code !== 'timeout')
      await awaitAnswer(connection, identityOf(client, member), { patienceMs: timeoutMs, signal });
  }
}

const stillCompacting = ({ code }: EtcdError): string =>
  code === 'timeout'
    ? 'member still compacting after COMPACTION_TIMEOUT, asking again'
    : 'answer of a compaction lost, asking again';

/** etcd refused it, so it was not begun. */
const notCompacted = (member: Member, revision: number, cause: EtcdError): Failure =>
  new Failure('step', `${label(member)} did not compact to ${revision}: ${cause.message}`, { cause });

/** Nobody knows: it may be going on, or done. */
const notSeen = (member: Member, revision: number, cause: EtcdError): Failure =>
  new Failure(
    'step',
    `${label(member)} was not seen to end its compaction to ${revision}: ${cause.message}. The history may be compacted all the same; its space comes free when the member is done. Look at its log and at its disk, or raise COMPACTION_TIMEOUT`,
    { cause },
  );

async function compactRevisionNow({ client, cluster, log }: CompactionInput): Promise<number | undefined> {
  const connection = client.connections.get(cluster.leaderId ?? '') ?? [...client.connections.values()][0];
  if (connection === undefined) return undefined;
  try {
    return await compactRevision(connection);
  } catch (error) {
    log.warn({ reason: toEtcdError(error).message }, 'compact revision not read');
    return undefined;
  }
}

/** Only what is known, so that a report never shows an undefined number. */
function known({ from, to, target }: { from: number | undefined; to: number | undefined; target?: number }) {
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(target !== undefined && { target }),
  };
}
