import type { PastManifest } from './read.ts';

/** Where a cluster stood when it was backed up. */
export interface Standing {
  clusterId: string;
  /** milliseconds since 1970 */
  at: number;
  revision: number;
  raftTerm: number;
}

/** A restore that lifts the revision adds 1000 for each second since 1970; no cluster writes so fast from run to run. */
const MAX_REVISIONS_PER_SECOND = 10_000;

export const standingOf = ({ cluster, startedAt, revision, raftTerm }: PastManifest): Standing => ({
  clusterId: cluster.id,
  at: Date.parse(startedAt),
  revision,
  raftTerm,
});

/** Why the later of two runs does not go on where the earlier one was; undefined where it does. */
export function restartBetween(before: Standing, after: Standing): string | undefined {
  const rise = after.revision - before.revision;
  if (after.clusterId !== before.clusterId)
    return `the cluster's ID changed from ${before.clusterId} to ${after.clusterId}: restored, or made anew`;
  if (rise < 0)
    return `the revision fell from ${before.revision} to ${after.revision}: restored, or a clock was wrong`;
  if (after.raftTerm < before.raftTerm)
    return `the raft term fell from ${before.raftTerm} to ${after.raftTerm}: restored, or a clock was wrong`;
  // A second more: two runs of the same moment are no restore.
  if (rise > ((after.at - before.at) / 1000 + 1) * MAX_REVISIONS_PER_SECOND)
    return `the revision rose by ${rise}, faster than etcd can write: restored with a revision that was lifted`;
  return undefined;
}
