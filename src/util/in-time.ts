import { abortable } from './abortable.ts';

/** Node's timers go off at once when they are told to wait for longer than this. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Does the work with a signal that comes after so many milliseconds, by a clock that nobody can set. Work that has not
 * ended by then is not waited for any longer.
 * @param outer comes by the same signal: of thousands of calls AbortSignal.any would leave more garbage than they need
 * @throws what `late` makes, when the work took too long; what the outer signal says
 */
export async function inTime<T>(
  ms: number,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const end = (): void => controller.abort(outer?.reason);
  outer?.addEventListener('abort', end);
  if (outer?.aborted) end();
  const timer = setTimeout(() => controller.abort(late()), Math.min(ms, LONGEST_MS));
  try {
    return await abortable(work(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', end);
  }
}
