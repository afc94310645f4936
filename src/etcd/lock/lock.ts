import type { ClusterClient } from '../cluster/discover.ts';
import { ClusterLock } from './cluster-lock.ts';
import type { Lock, LockOptions } from './types.ts';

export type { Lock, LockOptions } from './types.ts';

/**
 * Takes the lock of the cluster: a key bound to a lease, so that it goes away by itself when the run dies. A key that
 * is there is watched until its run is seen alive or dead.
 *
 * Where nothing can be written the lock is missing, which `ensure` accepts for NOSPACE alone: freeing space is what
 * the run is there for, and deletions, compaction and defragmentation still work.
 *
 * @throws Failure `locked` when another run holds it, `configuration` when etcd refuses the right
 */
export async function takeLock(client: ClusterClient, options: LockOptions): Promise<Lock> {
  const lock = new ClusterLock(client, options);
  await lock.take();
  return lock;
}
