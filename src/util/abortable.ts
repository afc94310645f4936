import { setTimeout as sleep } from 'node:timers/promises';

/** Stops waiting when the signal says so. What was asked of a server goes on there: etcd cannot be told to stop. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The same items, until the signal says so: its reason is thrown then, also while the source hangs. */
export async function* abortableItems<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  const items = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await abortable(items.next(), signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    const closed = items.return?.();
    // A source that hangs cannot be closed either; what it says later is about a stream that has already failed.
    if (signal.aborted) closed?.catch(() => undefined);
    else await closed;
  }
}

/** Waits that many milliseconds. @throws what the signal says when it comes first, where Node's own would throw an AbortError */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
