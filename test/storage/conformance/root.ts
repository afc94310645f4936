import type { Store } from '../../../src/storage/store.ts';

/** What holds the store under test: a folder, a bucket. */
export interface Root extends AsyncDisposable {
  /** A store in it: of the cluster `prod`, by the real clock, with a signal that never comes, unless told otherwise. */
  open(options?: { cluster?: string; signal?: AbortSignal; now?: () => number }): Store;
  /** Everything that there is of the cluster `prod`, finished or not, past the store; sorted. */
  remains(): Promise<string[]>;
  /** Puts a file at that path below the root, past the store. */
  put(path: string, content: string): Promise<void>;
  /** Leaves what a run of `prod` leaves that is killed while it writes the file of that name. */
  leave(name: string): Promise<void>;
  /** Takes everything away. */
  clear(): Promise<void>;
  /** Does `work` while nothing can be written for that reason. */
  readonly faults: Record<'access' | 'no-space', (work: () => Promise<void>) => Promise<void>>;
}

/** What the test at hand has: a root that holds nothing, and a store in it that is prepared. */
export type Given = () => { root: Root; store: Store };

export const HOUR_MS = 60 * 60 * 1000;
export const anyName = (): boolean => true;

/** Writes and publishes a file. */
export async function write(store: Store, name: string, bytes: Uint8Array): Promise<void> {
  const pending = await store.create(name);
  await pending.write(bytes);
  await pending.flush();
  await pending.publish();
}

export const namesIn = async (store: Store): Promise<string[]> =>
  (await store.list()).map(({ name }) => name);
