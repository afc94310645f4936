import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;

/** Rejects when the promise has not resolved after a minute, so that a test fails instead of hanging. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const timer = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} was waited for in vain for ${PATIENCE_MS} ms`);
  });
  late.catch(() => {}); // the timer is ended when it is not needed
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
