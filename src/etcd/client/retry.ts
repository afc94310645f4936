import { retry } from '../../util/retry.ts';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

const RETRIED: ReadonlySet<EtcdErrorCode> = new Set(['unreachable', 'no-leader', 'cancelled']);

/** Repeats a read that a busy or just elected cluster refused for a moment. */
export const retryReads = <T>(read: () => Promise<T>): Promise<T> =>
  retry(read, {
    tries: 3,
    pauseMs: 200,
    maxPauseMs: 1_000,
    shouldRetry: (error) => error instanceof EtcdError && RETRIED.has(error.code),
  });
