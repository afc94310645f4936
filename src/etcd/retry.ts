import pRetry from 'p-retry';
import { Refusal, type RefusalKind } from './refusal.ts';

const RETRIED: ReadonlySet<RefusalKind> = new Set(['unreachable', 'no-leader', 'cancelled']);

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
    shouldRetry: ({ error }) => error instanceof Refusal && RETRIED.has(error.kind),
  });
}
