import { hashKV, statusOnce } from '../client/calls.ts';
import { accessDenied, type Cluster } from './discover.ts';
import { toEtcdError } from '../errors.ts';
import { type HashAgreement, type HashKV, label, type Member, votersOf } from '../types.ts';

/** HashKV reads every key of the member; its own deadline, far above the 0.2 s per GB that were seen. */
const HASH_TIMEOUT_MS = 120_000;
const TRIES = 3;

/**
 * Asks every voting member that answers for the hash of its keys at one revision, one member after another and the
 * leader last, because a member takes no writes meanwhile. Hashes are comparable only at equal compact revisions.
 */
export async function checkConsistency(
  cluster: Cluster,
  members: readonly Member[],
  leaderId: string | undefined,
): Promise<HashAgreement> {
  const voters = votersOf({ members })
    .filter((member) => member.status !== undefined)
    .toSorted((a, b) => Number(a.id === leaderId) - Number(b.id === leaderId));
  let revision = Math.min(...voters.map((member) => member.status?.revision ?? 0));
  let why = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const outcome = await hashAll(cluster, voters, revision);
    if (typeof outcome === 'string') {
      why = outcome;
      revision = await newRevision(cluster, voters);
      continue;
    }
    return compare(voters, outcome);
  }
  return { kind: 'not-comparable', message: `the members' hashes could not be compared: ${why}` };
}

/** All hashes at the revision, or why they say nothing. */
async function hashAll(
  cluster: Cluster,
  voters: readonly Member[],
  revision: number,
): Promise<Record<string, HashKV> | string> {
  const byMember: Record<string, HashKV> = {};
  for (const member of voters) {
    const connection = cluster.connections.get(member.id);
    if (connection === undefined) continue;
    try {
      byMember[member.id] = await hashKV(connection, revision, HASH_TIMEOUT_MS);
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal.code === 'access') throw accessDenied(connection.endpoint, refusal);
      return `${label(member)} gave no hash at revision ${revision}: ${refusal.message}`;
    }
  }
  const compactRevisions = new Set(Object.values(byMember).map((it) => it.compactRevision));
  return compactRevisions.size > 1 ? 'a compaction passed between two members' : byMember;
}

async function newRevision(cluster: Cluster, voters: readonly Member[]): Promise<number> {
  const revisions = await Promise.all(
    voters.map(async (member) => {
      const connection = cluster.connections.get(member.id);
      if (connection === undefined) return [];
      return statusOnce(connection).then(
        (status) => [status.revision],
        () => [], // it is asked for its hash next, where its silence is told
      );
    }),
  );
  return Math.min(...revisions.flat());
}

function compare(voters: readonly Member[], byMember: Record<string, HashKV>): HashAgreement {
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
