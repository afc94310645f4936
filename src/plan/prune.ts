import type { ClusterStatus } from '../etcd/types.ts';
import { type Decision, go, type Policy, refuse, skip } from './decision.ts';
import { doubtsOf } from './health.ts';

/** Whether old backups may be pruned once this run's own is proved. */
export function judgePrune(cluster: ClusterStatus, { backup }: Policy): Decision {
  if (!backup.enabled) return skip('BACKUP_ENABLED is false');
  const rules = Object.entries(backup.keep).filter(([, count]) => count > 0);
  if (rules.length === 0) return skip('every BACKUP_KEEP_* is 0: all backups are kept');
  // One sick member is no reason: the disk would fill.
  const doubts = doubtsOf(cluster);
  if (doubts.length > 0) {
    return refuse(
      `no backup is deleted, because ${doubts.join(' and ')}: an older one may be the only good one`,
    );
  }
  return go(`keeps ${rules.map(([rule, count]) => `BACKUP_KEEP_${rule.toUpperCase()}=${count}`).join(', ')}`);
}
