import { abortable } from '../util/abortable.ts';
import type { Store } from './store.ts';

/**
 * The same store, for work that ends with the signal: after it nothing more is listed, looked into or removed, and a
 * server that says nothing is not waited for. What was asked of it already may still be done.
 */
export function boundedBy(signal: AbortSignal, store: Store): Store {
  const bounded = async <T>(work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    return abortable(work(), signal);
  };
  return {
    ...store,
    list: () => bounded(() => store.list()),
    readText: (name) => bounded(() => store.readText(name)),
    remove: (name) => bounded(() => store.remove(name)),
    removeLeftovers: (olderThanMs) => bounded(() => store.removeLeftovers(olderThanMs)),
  };
}
