/** One file in a cluster's folder of the store. */
export interface StoredFile {
  name: string;
  /** bytes */
  size: number;
  modifiedAt: Date;
}

/**
 * A file that is being written. It is not visible under its final name before `publish` (in S3 before `flush`: an object
 * has no other name that it could be read back by), and nothing is ever overwritten. After a failure the caller calls
 * `discard`, which leaves nothing of it behind.
 */
export interface PendingFile {
  /** Resolves when the bytes may be reused by the caller. */
  write(chunk: Uint8Array): Promise<void>;
  /** Everything that was written is durable when this resolves. To be called once what was written is proved. */
  flush(): Promise<void>;
  /**
   * Reads back what the store holds, not what the process remembers. A piece is overwritten after two more have been
   * asked for: new ones for a whole backup would pile up faster than they are collected.
   */
  read(): AsyncIterable<Buffer>;
  publish(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Where the backups of one cluster are kept. Every name is a plain file name in that cluster's folder; a store never
 * reads, lists or deletes anything outside of it, and follows no symbolic link out of it.
 *
 * A signal ends what waits for a server; the call rejects with the signal's reason. A folder's calls wait for no server
 * that would know a signal.
 */
export interface Store {
  /** Where it is, for a person; never a secret. */
  readonly location: string;
  /** Fails early, with a message that says what to do, when nothing could be written. */
  prepare(signal?: AbortSignal): Promise<void>;
  /** Bytes that may still be written, or undefined where the store has no such limit. */
  freeBytes(): Promise<number | undefined>;
  list(): Promise<StoredFile[]>;
  /** The signal is also for what is done with the pending file, but for `discard`. */
  create(name: string, signal?: AbortSignal): Promise<PendingFile>;
  /** Writes a small text whole or not at all; fails if the name is taken. */
  writeText(name: string, text: string, signal?: AbortSignal): Promise<void>;
  /**
   * Reads a published file. A piece is overwritten after two more have been asked for. Throws a `Failure` `backup`
   * where there is no such file.
   */
  read(name: string): AsyncIterable<Buffer>;
  /** Reads a small text; undefined where there is none. */
  readText(name: string): Promise<string | undefined>;
  remove(name: string): Promise<void>;
  /** Removes the temporary files of dead runs that are older than `olderThanMs`; returns their names. */
  removeLeftovers(olderThanMs: number): Promise<string[]>;
}
