import { retry } from '../../util/retry.ts';
import { EtcdError, mayHaveBeenDone } from '../errors.ts';

/**
 * Repeats a read whose answer was lost, or that a busy or just elected cluster refused for a moment: one connection that
 * is told to go away is no sick member. Not one that took its whole time already.
 */
export const retryReads = <T>(read: () => Promise<T>): Promise<T> =>
  retry(read, {
    tries: 3,
    pauseMs: 200,
    maxPauseMs: 1_000,
    shouldRetry: (error) =>
      error instanceof EtcdError && error.code !== 'timeout' && mayHaveBeenDone(error.code),
  });

/** The same for the few writes that come to the same when they are made twice. */
export const retryRepeatable = retryReads;
