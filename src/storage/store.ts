import type { Chunks } from '../util/lent.ts';

/** One file in a cluster's folder of the store. */
export interface StoredFile {
  name: string;
  /** bytes */
  size: number;
}

/**
 * A file that is being written. It is not visible under its final name before `publish` (in S3 before `flush`: an object
 * has no other name that it could be read back by), and nothing is ever overwritten. After a failure the caller calls
 * `discard`, which leaves nothing of it behind.
 *
 * The signal of the store that it was made by ends every call but `discard`.
 */
export interface PendingFile {
  /** Resolves when the bytes may be reused by the caller. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything that was written is durable when this resolves. To be called once what was written is proved. */
  flush(): Promise<void>;
  /** Reads back what the store holds, not what the process remembers. */
  read(): Chunks;
  /** @throws StoreError `taken` where there is a file of that name */
  publish(): Promise<void>;
  /** Takes away what there is of it, published or not, and nothing that is another's. May be called again. */
  discard(): Promise<void>;
}

/**
 * Where the backups of one cluster are kept. Every name is a plain file name in that cluster's folder; a store never
 * reads, lists or deletes anything outside of it, and follows no symbolic link out of it.
 *
 * A store is opened with a signal that ends every call: it rejects with the signal's reason, at once. What was asked of
 * a server or of the system by then may still be done.
 *
 * What cannot be done is thrown as a `StoreError`, whose code is the same for the same fault in every store.
 */
export interface Store {
  /** Where it is, for a person; never a secret. */
  readonly location: string;
  /** The same store, by the same client, whose every call ends with this signal, too. */
  within(signal: AbortSignal): Store;
  /** Fails early, with a message that says what to do, when nothing could be written. Leaves nothing behind. */
  prepare(): Promise<void>;
  /** Bytes that may still be written, or undefined where the store has no such limit. */
  freeBytes(): Promise<number | undefined>;
  /**
   * The files that were published, by name, where their names are wanted: of the others nothing is kept in memory.
   * @throws StoreError `incomplete` where that cannot be all of them
   */
  list(isWanted?: (name: string) => boolean): Promise<StoredFile[]>;
  create(name: string): Promise<PendingFile>;
  /** Writes a small text whole or not at all. @throws StoreError `taken` where there is a file of that name */
  writeText(name: string, text: string): Promise<void>;
  /** Reads a published file. @throws StoreError `not-found` where there is no such file */
  read(name: string): Chunks;
  /** Reads a small text; undefined where there is none. @throws StoreError `too-large` above 1 MiB */
  readText(name: string): Promise<string | undefined>;
  /** No failure where there is no such file. */
  remove(name: string): Promise<void>;
  /**
   * Removes what dead runs left of files that they were writing, where it is older than `olderThanMs` and `isOurs` says
   * so of the name that the file was to have. What the store itself leaves behind needs no such word.
   * @returns the names of what was removed
   */
  removeLeftovers(olderThanMs: number, isOurs: (name: string) => boolean): Promise<string[]>;
}
