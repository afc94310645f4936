import pRetry from 'p-retry';

export interface RetryPolicy {
  /** how often it is tried at the most, the first time included */
  tries: number;
  /** whether it may be different the next time; a bug (a `TypeError`) is never tried again */
  shouldRetry: (error: Error) => boolean;
  /** milliseconds before the second try, none unless given; each pause is twice the one before it */
  pauseMs?: number;
  /** what no pause exceeds, in milliseconds */
  maxPauseMs?: number;
  /**
   * Ends it, in a pause too, with the signal's reason. What a try still returns after that is dropped, so it must be
   * nothing that has to be closed.
   */
  signal?: AbortSignal;
}

/**
 * The one way in which anything is done again. `attempt` counts from 1.
 *
 * Never for what changes a cluster: a defragmentation or a move of the leader may still be going on when its answer is
 * lost, and the second one would meet the first.
 *
 * @throws what the last try threw
 */
export function retry<T>(
  work: (attempt: number) => Promise<T>,
  { tries, shouldRetry, pauseMs = 0, maxPauseMs = Infinity, signal }: RetryPolicy,
): Promise<T> {
  return pRetry(work, {
    retries: tries - 1,
    minTimeout: pauseMs,
    maxTimeout: maxPauseMs,
    shouldRetry: ({ error }) => shouldRetry(error),
    ...(signal && { signal }),
  });
}
