import { retry } from '../../util/retry.ts';
import type { Connection } from '../client/connection.ts';
import { hashKV } from '../client/maintenance.ts';
import { statusOnce } from '../client/status.ts';
import { accessDenied, EtcdError, type EtcdErrorCode, toEtcdError } from '../errors.ts';
import { type HashAgreement, type HashKV, label, type Member, votersOf } from '../types.ts';
import type { ClusterClient } from './discover.ts';

/** HashKV reads every key of the member; its own deadline, far above the 0.2 s per GB that were seen. */
const HASH_TIMEOUT_MS = 120_000;
const TRIES = 3;

/** The hash of each member that was asked, by member ID. */
type Hashes = Record<string, HashKV>;

/** When the members are asked for their hashes. */
export interface HashPolicy {
  /** not at all where false */
  consistencyCheck: boolean;
  /** also where there is only one voting member, which is compared with nobody: somebody wants its hash */
  evenOne: boolean;
}

/**
 * Whether the voting members hold the same data. One alone takes no writes meanwhile either, and for nothing.
 * @throws Failure `configuration` when etcd refuses the right
 */
export async function hashAgreement(
  client: ClusterClient,
  members: readonly Member[],
  leaderId: string | undefined,
  { consistencyCheck, evenOne }: HashPolicy,
): Promise<HashAgreement> {
  if (!consistencyCheck) return { kind: 'not-checked', message: 'CONSISTENCY_CHECK is false' };
  if (!evenOne && votersOf({ members }).length === 1)
    return { kind: 'not-checked', message: 'there is one voting member, and nobody to compare it with' };
  return checkConsistency(client, members, leaderId);
}

/**
 * Asks every voting member that answers for the hash of its keys at one revision, one member after another and the
 * leader last, because a member takes no writes meanwhile. Hashes are comparable only at equal compact revisions.
 * @throws Failure `configuration` when etcd refuses the right
 */
async function checkConsistency(
  client: ClusterClient,
  members: readonly Member[],
  leaderId: string | undefined,
): Promise<HashAgreement> {
  const voters = votersOf({ members })
    .filter((member) => member.status !== undefined)
    .toSorted((a, b) => Number(a.id === leaderId) - Number(b.id === leaderId));
  const attempt = async (count: number): Promise<Hashes> =>
    hashAll(client, voters, count === 1 ? lowestRevision(voters) : await newRevision(client, voters));
  try {
    return compare(voters, await retry(attempt, { tries: TRIES, shouldRetry: isWorthAnother }));
  } catch (error) {
    const { message } = toEtcdError(error);
    return { kind: 'not-comparable', message: `the members' hashes could not be compared: ${message}` };
  }
}

/**
 * What another revision may do away with, and lost answers. Not one that took its time: the member goes on with it, and
 * takes no writes meanwhile, so a second one would make it worse.
 */
const AGAIN: ReadonlySet<EtcdErrorCode> = new Set([
  'future-revision',
  'compacted',
  'unreachable',
  'cancelled',
  'no-leader',
]);

const isWorthAnother = (error: Error): boolean => error instanceof EtcdError && AGAIN.has(error.code);

const lowestRevision = (voters: readonly Member[]): number =>
  Math.min(...voters.map((member) => member.status?.revision ?? 0));

/** All hashes at the revision. @throws EtcdError where they say nothing */
async function hashAll(client: ClusterClient, voters: readonly Member[], revision: number): Promise<Hashes> {
  const hashes: Hashes = {};
  for (const member of voters) {
    const connection = client.connections.get(member.id);
    if (connection !== undefined) hashes[member.id] = await hashOf(member, connection, revision);
  }
  const compactRevisions = new Set(Object.values(hashes).map((it) => it.compactRevision));
  if (compactRevisions.size > 1) throw new EtcdError('compacted', 'a compaction passed between two members');
  return hashes;
}

async function hashOf(member: Member, connection: Connection, revision: number): Promise<HashKV> {
  try {
    return await hashKV(connection, revision, HASH_TIMEOUT_MS);
  } catch (error) {
    const reason = toEtcdError(error);
    if (reason.code === 'access') throw accessDenied(connection.endpoint, reason);
    const message = `${label(member)} gave no hash at revision ${revision}: ${reason.message}`;
    throw new EtcdError(reason.code, message, { cause: reason });
  }
}

async function newRevision(client: ClusterClient, voters: readonly Member[]): Promise<number> {
  const revisions = await Promise.all(
    voters.map(async (member) => {
      const connection = client.connections.get(member.id);
      if (connection === undefined) return [];
      return statusOnce(connection).then(
        ({ revision }) => [revision],
        () => [], // it is asked for its hash next, where its silence is told
      );
    }),
  );
  return Math.min(...revisions.flat());
}

function compare(voters: readonly Member[], byMember: Hashes): HashAgreement {
  const groups = new Map<number, Member[]>();
  for (const member of voters) {
    const hash = byMember[member.id]?.hash;
    if (hash !== undefined) groups.set(hash, [...(groups.get(hash) ?? []), member]);
  }
  if (groups.size <= 1) return { kind: 'agreed', byMember };
  const majority = [...groups.values()].find((group) => group.length > voters.length / 2) ?? [];
  const told = [...groups].map(([hash, group]) => `${hash} at ${group.map(label).join(', ')}`).join('; ');
  return {
    kind: 'mismatch',
    byMember,
    majority: majority.map((member) => member.id),
    message: `the members do not hold the same data: their hashes at one revision differ (${told})`,
  };
}
