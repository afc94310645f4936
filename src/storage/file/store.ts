import type { Stats } from 'node:fs';
import { lstat, readdir, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { abortable, abortableItems } from '../../util/abortable.ts';
import { expectMany } from '../../util/heap.ts';
import type { LentBuffer } from '../../util/lent.ts';
import { AT_ONCE, inParallel } from '../../util/parallel.ts';
import { StoreError } from '../errors.ts';
import { clusterFolder, plainName } from '../names.ts';
import type { PendingFile, Store, StoredFile } from '../store.ts';
import { publishText, textOf } from '../text.ts';
import { allowing, attempt } from './errors.ts';
import { folderExists, makeFolders } from './folder.ts';
import { createPending } from './pending.ts';
import { readChunks } from './reading.ts';
import { finalNameOf } from './temporary.ts';

export interface FileStoreOptions {
  /** The store's root; may be a symbolic link or a mount point. */
  directory: string;
  /** Names the folder below the root. */
  cluster: string;
  /** Ends every call. */
  signal: AbortSignal;
  /** The clock, in milliseconds since 1970. */
  now?: () => number;
}

/** One block of most file systems: a full disk still takes an empty file. */
const PROBE = new Uint8Array(4096);
const PROBE_NAME = 'probe';

/**
 * The store in a folder of a mounted file system. Every operation looks at the cluster's folder first and refuses a
 * symbolic link.
 */
export class FileStore implements Store {
  readonly location: string;
  readonly #options: FileStoreOptions;
  readonly #now: () => number;

  /** @throws Failure `configuration` when the cluster's name cannot name a folder */
  constructor(options: FileStoreOptions) {
    this.location = join(options.directory, clusterFolder(options.cluster));
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  within(signal: AbortSignal): FileStore {
    return new FileStore({ ...this.#options, signal: AbortSignal.any([this.#options.signal, signal]) });
  }

  async prepare(): Promise<void> {
    await this.#call(() => makeFolders(this.#options.directory, this.location));
    const probe = await createPending(this.location, PROBE_NAME, this.#options.signal);
    try {
      await probe.write(PROBE);
      await probe.flush();
    } finally {
      await probe.discard();
    }
  }

  freeBytes(): Promise<number | undefined> {
    return this.#call(async () => {
      const place = (await folderExists(this.location)) ? this.location : this.#options.directory;
      const { blocks, bavail, bsize } = await attempt('ask for the free space of', place, () =>
        statfs(place),
      );
      return blocks === 0 ? undefined : bavail * bsize; // no blocks at all: a file system without a size
    });
  }

  list(isWanted: (name: string) => boolean = () => true): Promise<StoredFile[]> {
    const wanted = (name: string): boolean => !isTemporary(name) && isWanted(name);
    return this.#call(() => filesIn(this.location, wanted, (name, { size }) => ({ name, size })));
  }

  async create(name: string): Promise<PendingFile> {
    plainName(name);
    // Not made here: after `prepare` it can only be missing because the volume is gone.
    await this.#call(() => folderExists(this.location));
    return createPending(this.location, name, this.#options.signal);
  }

  async writeText(name: string, text: string): Promise<void> {
    await publishText(await this.create(name), text, this.#pathOf(name));
  }

  async *read(name: string): AsyncGenerator<LentBuffer, void> {
    const path = this.#pathOf(name);
    await this.#call(() => folderExists(this.location));
    yield* abortableItems(readChunks(path), this.#options.signal);
  }

  async readText(name: string): Promise<string | undefined> {
    return textOf(this.read(name), this.#pathOf(name));
  }

  async remove(name: string): Promise<void> {
    const path = this.#pathOf(name);
    return this.#call(async () => {
      if (await folderExists(this.location)) await removeFile(path);
    });
  }

  async removeLeftovers(olderThanMs: number, isOurs: (name: string) => boolean): Promise<string[]> {
    const files = await this.#call(() => filesIn(this.location, isTemporary, whenWritten));
    const names = files.flatMap(({ name, mtimeMs }) => {
      const final = finalNameOf(name);
      const isDead = this.#now() - mtimeMs > olderThanMs;
      return isDead && final !== undefined && (final === PROBE_NAME || isOurs(final)) ? [name] : [];
    });
    const ends = await Promise.allSettled(names.map((name) => this.remove(name))); // one failure stops no other
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return names;
  }

  #pathOf(name: string): string {
    return join(this.location, plainName(name));
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.#options.signal.throwIfAborted();
    return abortable(work(), this.#options.signal);
  }
}

const whenWritten = (name: string, { mtimeMs }: Stats) => ({ name, mtimeMs });
const isTemporary = (name: string): boolean => finalNameOf(name) !== undefined;

/**
 * What `told` makes of the regular files there whose names are wanted, by name; nothing where there is no folder. No more
 * than that is kept of each: somebody may have put a hundred thousand there.
 */
async function filesIn<T>(
  folder: string,
  isWanted: (name: string) => boolean,
  told: (name: string, found: Stats) => T,
): Promise<T[]> {
  if (!(await folderExists(folder))) return [];
  const names = (await attempt('list', folder, () => readdir(folder))).filter(isWanted).toSorted();
  expectMany(names.length);
  const files = await inParallel(names, AT_ONCE, async (name) => {
    const path = join(folder, name);
    const found = await attempt('look at', path, () => allowing(['ENOENT'], () => lstat(path)));
    return found?.isFile() ? told(name, found) : undefined;
  });
  return files.filter((file) => file !== undefined);
}

async function removeFile(path: string): Promise<void> {
  const found = await attempt('look at', path, () => allowing(['ENOENT'], () => lstat(path)));
  if (found === undefined) return;
  if (!found.isFile()) {
    throw new StoreError(
      'not-a-file',
      `${path} was not removed: it is not a regular file`,
      'look at what it is',
    );
  }
  await attempt('remove', path, () => allowing(['ENOENT'], () => unlink(path)));
}

/** The folders of clusters below the root, by name. @throws StoreError where the root cannot be read */
export async function listClusterFolders(directory: string, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const listing = attempt('list', directory, () => readdir(directory, { withFileTypes: true }));
  const entries = await abortable(listing, signal);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted();
}
