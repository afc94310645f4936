import { type ClusterIdentity, readBackups } from '../backup/inventory.ts';
import { prune } from '../backup/prune.ts';
import type { VerifiedBackup } from '../backup/proof.ts';
import { type Keep, selectForRemoval, selectRemnants } from '../backup/retention.ts';
import type { Store } from '../backup/stores/store.ts';
import { Failure } from '../errors.ts';
import type { Log } from '../log.ts';

export interface PruneTask {
  store: Store;
  cluster: ClusterIdentity;
  keep: Keep;
  now: Date;
  log: Log;
}

export interface PruneResult {
  removed: readonly string[];
  kept: number;
}

/**
 * Deletes the backups that no rule keeps, now that this run's own is proved.
 * @throws Failure `step` when something could not be deleted
 */
export async function pruneBackups(own: VerifiedBackup, task: PruneTask): Promise<PruneResult> {
  const { store, cluster, keep, log } = task;
  try {
    const inventory = await readBackups(store, cluster);
    for (const { name, reason } of inventory.ignored)
      log.warn({ file: name, reason }, 'file in the store left alone');
    const occasion = { now: task.now, own: own.manifest.name };
    const selection = selectForRemoval(inventory.backups, keep, occasion);
    for (const name of selection.future)
      log.warn({ backup: name }, 'backup is dated in the future, kept and not counted');
    const { removed, failures } = await prune(store, [
      ...selection.remove,
      ...selectRemnants(inventory, keep, occasion),
    ]);
    for (const name of removed) log.info({ backup: name }, 'old backup deleted');
    const [first] = failures;
    if (first) {
      throw new Failure(
        'step',
        `${failures.length} old backups could not be deleted, so the store will fill: ${first.name}: ${first.error.message}`,
        { cause: first.error },
      );
    }
    return { removed, kept: selection.kept.length };
  } catch (error) {
    if (error instanceof Failure && error.kind === 'backup')
      throw new Failure('step', error.message, { cause: error });
    throw error;
  }
}
