import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster-handle.ts';

/** Longer than the 100 ms after which etcd commits what was written. */
const STEADY_MS = 300;

/** The largest database file, in bytes, once it does not grow any more: etcd counts what it has committed. */
export async function settledSize(cluster: Cluster): Promise<number> {
  let last = 0;
  for (;;) {
    const size = Math.max(...(await cluster.status()).map(({ dbSize }) => dbSize));
    if (size === last) return size;
    last = size;
    await sleep(STEADY_MS);
  }
}
