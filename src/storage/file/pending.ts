import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { allowing, attempt, codeOf, NOTHING_CHANGED, refusal } from './errors.ts';
import { setMode, syncFolder } from './folder.ts';
import { readChunks } from './reading.ts';
import type { PendingFile } from '../store.ts';

/**
 * A temporary file: `.<name>.etcd-upkeep-<16 hex digits>.part`. Hidden, and marked with the name of this program, so
 * that nothing which another tool or a person left in the folder is taken for one and removed.
 */
const TEMPORARY_NAME = /^\..+\.etcd-upkeep-[0-9a-f]{16}\.part$/s;

export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

/** What file systems without hard links answer; EMLINK is a full link count. */
const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** How much may wait in memory for the disk. Left alone, Linux lets a gigabyte gather, and the last sync waits for all of it. */
const SYNC_EVERY_BYTES = 2 ** 25;

/** Opens a temporary file in the folder for what is to be named `name` there. */
export async function createPending(folder: string, name: string): Promise<PendingFile> {
  const final = join(folder, name);
  const temporary = join(folder, `.${name}.etcd-upkeep-${randomBytes(8).toString('hex')}.part`);
  const handle = await attempt('create', temporary, () => openNew(temporary), NOTHING_CHANGED);
  const readers: AsyncGenerator<Buffer>[] = [];
  let published = false;
  let unsynced = 0;
  let syncing = Promise.resolve();

  async function write(chunk: Uint8Array): Promise<void> {
    await attempt('write', temporary, () => writeAll(handle, temporary, chunk), NOTHING_CHANGED);
    unsynced += chunk.byteLength;
    if (unsynced < SYNC_EVERY_BYTES) return;
    unsynced = 0;
    // In the background: the disk works while the stream goes on, and the last sync finds little to do.
    syncing = syncing.then(() => attempt('sync', temporary, () => handle.datasync(), NOTHING_CHANGED));
    syncing.catch(() => undefined); // thrown by `flush`
  }

  async function flush(): Promise<void> {
    await syncing;
    await attempt('sync', temporary, () => handle.sync(), NOTHING_CHANGED);
  }

  function read(): AsyncIterable<Buffer> {
    const reader = readChunks(temporary, NOTHING_CHANGED);
    readers.push(reader);
    return reader;
  }

  async function publish(): Promise<void> {
    await flush();
    // Network file systems tell only now of what they could not store.
    await attempt('close', temporary, () => handle.close(), NOTHING_CHANGED);
    await attempt('publish', final, () => moveWithoutOverwriting(temporary, final), NOTHING_CHANGED);
    published = true;
    await attempt('remove', temporary, () => removeIfThere(temporary), NOTHING_CHANGED);
    await attempt('sync the folder', folder, () => syncFolder(folder), NOTHING_CHANGED);
  }

  async function discard(): Promise<void> {
    await Promise.allSettled(readers.map((reader) => reader.return(undefined))); // closes what it reads from
    await Promise.allSettled([handle.close()]); // whether the bytes were stored matters no more
    const ends = await Promise.allSettled([
      attempt('remove', temporary, () => removeIfThere(temporary)),
      published ? attempt('remove', final, () => removeIfThere(final)) : undefined,
    ]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    published = false;
  }

  return { write, flush, read, publish, discard };
}

/** Reads back what was written so far. Fails when it is not `text`; `path` is for the message. */
export async function proveText(pending: PendingFile, text: string, path: string): Promise<void> {
  if ((await textOf(pending.read())) === text) return;
  throw refusal(
    `${path} reads back differently from what was written`,
    'look for a failing disk or share: this store cannot be trusted',
    NOTHING_CHANGED,
  );
}

async function openNew(path: string): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await setMode(handle, 0o600);
    return handle;
  } catch (error) {
    await handle.close();
    await unlink(path);
    throw error;
  }
}

/** The system may take only a part of what it is given, as it does just before a disk is full. */
async function writeAll(handle: FileHandle, path: string, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, null);
    if (bytesWritten === 0) throw refusal(`${path} took no more bytes`, 'look at its disk', NOTHING_CHANGED);
    done += bytesWritten;
  }
}

/**
 * A hard link fails if the name is taken, in one step; a rename would overwrite. Where links cannot be made there is
 * no such step (Node has no `renameat2`), so the name is looked up first, since a network file system may refuse the
 * link before it does. Two runs could only collide in between if both published the same second and revision, and the
 * lock keeps two runs apart.
 */
async function moveWithoutOverwriting(temporary: string, final: string): Promise<void> {
  try {
    await link(temporary, final);
  } catch (error) {
    if (!NO_HARD_LINKS.includes(codeOf(error) ?? '')) throw error;
    if ((await allowing(['ENOENT'], () => lstat(final))) !== undefined) {
      throw refusal(
        `could not publish ${final}: the name is taken`,
        'nothing is overwritten',
        NOTHING_CHANGED,
      );
    }
    await rename(temporary, final);
  }
}

async function removeIfThere(path: string): Promise<void> {
  await allowing(['ENOENT'], () => unlink(path));
}
