import { retry } from '../../util/retry.ts';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

const RETRIED: ReadonlySet<EtcdErrorCode> = new Set(['unreachable', 'no-leader', 'cancelled']);

/**
 * Repeats a read whose answer was lost, or that a busy or just elected cluster refused for a moment: one connection that
 * is told to go away is no sick member. Not one that took its whole time already, nor an answer that cannot be.
 */
export const retryReads = <T>(read: () => Promise<T>): Promise<T> =>
  retry(read, {
    tries: 3,
    pauseMs: 200,
    maxPauseMs: 1_000,
    shouldRetry: (error) => error instanceof EtcdError && RETRIED.has(error.code),
  });

/** The same for the few writes that come to the same when they are made twice. */
export const retryRepeatable = retryReads;
