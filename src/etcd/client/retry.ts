import pRetry from 'p-retry';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

const RETRIED: ReadonlySet<EtcdErrorCode> = new Set(['unreachable', 'no-leader', 'cancelled']);

/**
 * The one place that repeats anything: reads that a busy or just elected cluster refused for a moment. Nothing that
 * changes a cluster passes through here; above all no defragmentation and no move of the leader, which may still be
 * going on when their answer is lost.
 */
export function retryReads<T>(read: () => Promise<T>): Promise<T> {
  return pRetry(read, {
    retries: 2,
    minTimeout: 200,
    maxTimeout: 1_000,
    shouldRetry: ({ error }) => error instanceof EtcdError && RETRIED.has(error.code),
  });
}
