import assert from 'node:assert/strict';
import type { Cluster } from './cluster-handle.ts';

export const LOCK_KEY = 'etcd-upkeep/lock';

/** Fails where a run has left the lock's key or a lease behind. */
export async function assertUnlocked(cluster: Cluster): Promise<void> {
  assert.equal(await cluster.etcdctl('get', LOCK_KEY), '');
  assert.match(await cluster.etcdctl('lease', 'list'), /found 0 leases/);
}

/** The lease that the lock's key hangs on, decimal; undefined where there is no key. */
export async function lockLease(cluster: Cluster): Promise<string | undefined> {
  const { kvs } = Object(await cluster.etcdctlJson('get', LOCK_KEY));
  return Array.isArray(kvs) ? String(kvs[0].lease) : undefined;
}
