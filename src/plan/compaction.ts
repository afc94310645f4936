import type { ClusterStatus } from '../etcd/types.ts';
import { type Decision, go, notWell, type Policy, refuse, skip } from './decision.ts';

export interface Window {
  /** revisions of history to keep */
  window: number;
  /** whose window it is */
  windowFrom: 'COMPACTION_RETENTION' | 'kube-apiserver';
}

export function judgeCompaction(
  cluster: ClusterStatus,
  policy: Pick<Policy, 'compaction'>,
  problems: readonly string[],
): Decision {
  if (!policy.compaction.enabled) return skip('COMPACTION_ENABLED is false');
  if (problems.length > 0) return notWell(problems);
  const { compactRevKey: key } = cluster;
  if (key.kind === 'unknown') return refuse(keyUnknown(key.message));
  const { window, windowFrom } = windowOf(cluster, policy);
  if (cluster.revision <= window) {
    return skip(
      `nothing to do: revision ${cluster.revision} is within the ${window} revisions to keep (${windowFrom})`,
    );
  }
  return go(`keeps ${window} revisions (${windowFrom})`);
}

const keyUnknown = (why: string): string =>
  `kube-apiserver's compact_rev_key could not be read (${why}): how much history it keeps for its clients is unknown, and ` +
  'compacting below that would make them list everything again. Look at the key with etcdctl get compact_rev_key';

/** The window is never tighter than what kube-apiserver itself keeps: one of its intervals. */
export function windowOf(cluster: ClusterStatus, { compaction }: Pick<Policy, 'compaction'>): Window {
  const kept = keptByKubeApiserver(cluster);
  return kept > compaction.retention
    ? { window: kept, windowFrom: 'kube-apiserver' }
    : { window: compaction.retention, windowFrom: 'COMPACTION_RETENTION' };
}

const keptByKubeApiserver = ({ compactRevKey: key }: ClusterStatus): number =>
  key.kind === 'known' ? key.modRevision - key.value : 0;

export function compactionWarnings(cluster: ClusterStatus, { compaction }: Policy): string[] {
  const kept = keptByKubeApiserver(cluster);
  if (!compaction.enabled || kept <= compaction.retention) return [];
  return [
    `COMPACTION_RETENTION (${compaction.retention}) is less than the ${kept} revisions that kube-apiserver keeps; its ` +
      'window is used, so that its clients need not list everything again',
  ];
}
