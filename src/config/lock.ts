import type { Variables } from './variables.ts';

export interface LockConfig {
  /** Whole seconds. */
  readonly ttlMs: number;
}

/**
 * etcd counts leases in whole seconds, and grants none that ends before an election would. A longer one than this would
 * keep the next run out for too long after a crash.
 */
const LEASE_TTL = { min: '1s', max: '1h', step: '1s' };

export const readLock = ({ read }: Variables): LockConfig => ({
  ttlMs: read('LOCK_TTL', (it) => it.default('60s').asDuration(LEASE_TTL)),
});
