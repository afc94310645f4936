import { lstat, readdir, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { allowing, attempt, NOTHING_CHANGED, refusal } from './errors.ts';
import { folderExists, makeFolders } from './folder.ts';
import { clusterFolder, plainName } from '../names.ts';
import { createPending, isTemporaryName, proveText } from './pending.ts';
import { openRegular, readChunks } from './reading.ts';
import type { PendingFile, Store, StoredFile } from '../store.ts';

export interface FileStoreOptions {
  /** The store's root; may be a symbolic link or a mount point. */
  directory: string;
  /** Names the folder below the root. */
  cluster: string;
  /** The clock, in milliseconds since 1970. */
  now?: () => number;
}

/** A manifest is a few KiB; more is none, and is not read into memory. */
const MAX_TEXT_BYTES = 2 ** 20;
/** One block of most file systems: a full disk still takes an empty file. */
const PROBE = new Uint8Array(4096);

/**
 * The store in a folder of a mounted file system. Every operation looks at the cluster's folder first and refuses a
 * symbolic link. Throws a `Failure` of kind `configuration` when the cluster's name cannot name a folder.
 */
export function openFileStore({ directory, cluster, now = Date.now }: FileStoreOptions): Store {
  const folder = join(directory, clusterFolder(cluster));
  const pathOf = (name: string) => join(folder, plainName(name));

  async function prepare(): Promise<void> {
    await makeFolders(directory, folder);
    const probe = await createPending(folder, 'probe');
    try {
      await probe.write(PROBE);
      await probe.flush();
    } finally {
      await probe.discard();
    }
  }

  async function freeBytes(): Promise<number | undefined> {
    const place = (await folderExists(folder)) ? folder : directory;
    const { blocks, bavail, bsize } = await attempt('ask for the free space of', place, () => statfs(place));
    return blocks === 0 ? undefined : bavail * bsize; // no blocks at all: a file system without a size
  }

  async function entries(): Promise<StoredFile[]> {
    if (!(await folderExists(folder))) return [];
    const names = await attempt('list', folder, () => readdir(folder));
    const files: StoredFile[] = [];
    for (const name of names.toSorted()) {
      const path = join(folder, name);
      const found = await attempt('look at', path, () => allowing(['ENOENT'], () => lstat(path)));
      if (found?.isFile()) files.push({ name, size: found.size, modifiedAt: found.mtime });
    }
    return files;
  }

  async function list(): Promise<StoredFile[]> {
    const files = await entries();
    return files.filter(({ name }) => !isTemporaryName(name));
  }

  async function create(name: string): Promise<PendingFile> {
    plainName(name);
    // Not made here: after `prepare` it can only be missing because the volume is gone.
    await folderExists(folder, NOTHING_CHANGED);
    return createPending(folder, name);
  }

  async function writeText(name: string, text: string): Promise<void> {
    const pending = await create(name);
    try {
      await pending.write(Buffer.from(text));
      await pending.flush();
      await proveText(pending, text, pathOf(name));
      await pending.publish();
    } catch (error) {
      // The first failure is the one to tell of; a temporary file that cannot be removed is left to a later run.
      await Promise.allSettled([pending.discard()]);
      throw error;
    }
  }

  async function* read(name: string): AsyncGenerator<Buffer> {
    const path = pathOf(name);
    await folderExists(folder);
    yield* readChunks(path);
  }

  async function readText(name: string): Promise<string | undefined> {
    const path = pathOf(name);
    if (!(await folderExists(folder))) return undefined;
    const handle = await attempt('read', path, () => allowing(['ENOENT'], () => openRegular(path)));
    if (handle === undefined) return undefined;
    try {
      const { size } = await handle.stat();
      if (size > MAX_TEXT_BYTES) throw refusal(`${path} is too large for a manifest`, 'look at what it is');
      return await attempt('read', path, () => handle.readFile('utf8'));
    } finally {
      await handle.close();
    }
  }

  async function remove(name: string): Promise<void> {
    const path = pathOf(name);
    if (!(await folderExists(folder))) return;
    const found = await attempt('look at', path, () => allowing(['ENOENT'], () => lstat(path)));
    if (found === undefined) return;
    if (!found.isFile()) {
      throw refusal(`${path} was not removed: it is not a regular file`, 'look at what it is');
    }
    await attempt('remove', path, () => allowing(['ENOENT'], () => unlink(path)));
  }

  async function removeLeftovers(olderThanMs: number): Promise<string[]> {
    const isDead = ({ name, modifiedAt }: StoredFile) =>
      isTemporaryName(name) && now() - modifiedAt.getTime() > olderThanMs;
    const names = (await entries()).filter(isDead).map(({ name }) => name);
    const ends = await Promise.allSettled(names.map(remove)); // one that cannot be removed stops no other
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return names;
  }

  return {
    location: folder,
    prepare,
    freeBytes,
    list,
    create,
    writeText,
    read,
    readText,
    remove,
    removeLeftovers,
  };
}

/** The folders of clusters below the root, by name. Throws a `Failure` `backup` where the root cannot be read. */
export async function listClusterFolders(directory: string): Promise<string[]> {
  const entries = await attempt('list', directory, () => readdir(directory, { withFileTypes: true }));
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted();
}
