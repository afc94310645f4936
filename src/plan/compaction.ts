import type { ClusterStatus } from '../etcd/types.ts';
import { type Decision, go, notWell, type Policy, skip } from './decision.ts';

export interface Window {
  /** revisions of history to keep */
  window: number;
  /** whose window it is */
  windowFrom: 'COMPACTION_RETENTION' | 'kube-apiserver';
}

export function judgeCompaction(
  view: ClusterStatus,
  policy: Policy,
  problems: readonly string[],
): Decision & Window {
  const window = windowOf(view, policy);
  return { ...decide(view, policy, problems, window), ...window };
}

/** The window is never tighter than what kube-apiserver itself keeps: one of its intervals. */
function windowOf(view: ClusterStatus, { compaction }: Policy): Window {
  const kept = keptByKubeApiserver(view);
  return kept > compaction.retention
    ? { window: kept, windowFrom: 'kube-apiserver' }
    : { window: compaction.retention, windowFrom: 'COMPACTION_RETENTION' };
}

const keptByKubeApiserver = ({ compactRevKey: key }: ClusterStatus): number =>
  key === undefined ? 0 : key.modRevision - key.value;

function decide(
  { revision }: ClusterStatus,
  { compaction }: Policy,
  problems: readonly string[],
  { window, windowFrom }: Window,
): Decision {
  if (!compaction.enabled) return skip('COMPACTION_ENABLED is false');
  if (problems.length > 0) return notWell(problems);
  if (revision <= window) {
    return skip(
      `nothing to do: revision ${revision} is within the ${window} revisions to keep (${windowFrom})`,
    );
  }
  return go(`keeps ${window} revisions (${windowFrom})`);
}

export function compactionWarnings(view: ClusterStatus, { compaction }: Policy): string[] {
  const kept = keptByKubeApiserver(view);
  if (!compaction.enabled || kept <= compaction.retention) return [];
  return [
    `COMPACTION_RETENTION (${compaction.retention}) is less than the ${kept} revisions that kube-apiserver keeps; its ` +
      'window is used, so that its clients need not list everything again',
  ];
}
