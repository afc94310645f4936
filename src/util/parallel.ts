/** Requests to a store that are under way at once: enough to hide a network's latency, few enough for any server. */
export const AT_ONCE = 8;

/**
 * Does the work for every item, a few of them at a time, and returns the results in the order of the items. After a
 * failure nothing more is begun; what was begun is waited for, and the first failure is thrown.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  // All workers draw from one generator. When one of them throws, its loop closes the generator for the others, too.
  const queue = entriesOf(items);
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}

function* entriesOf<T>(items: readonly T[]): Generator<[number, T]> {
  yield* items.entries();
}
