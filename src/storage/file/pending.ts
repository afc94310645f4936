import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { abortable, abortableItems } from '../../util/abortable.ts';
import type { Chunks, LentBuffer } from '../../util/lent.ts';
import type { PendingFile } from '../store.ts';
import { attempt } from './errors.ts';
import { syncFolder } from './folder.ts';
import { readChunks } from './reading.ts';
import { moveWithoutOverwriting, openNew, removeIfThere, temporaryName, writeAll } from './temporary.ts';

/** How much may wait in memory for the disk. Left alone, Linux lets a gigabyte gather, and the last sync waits for all of it. */
const SYNC_EVERY_BYTES = 2 ** 25;

/** Opens a temporary file in the folder for what is to be named `name` there. The signal ends every call but `discard`. */
export async function createPending(folder: string, name: string, signal: AbortSignal): Promise<PendingFile> {
  const temporary = join(folder, temporaryName(name));
  // Waited for, whatever the signal says: of a file that is made later nobody would know.
  const handle = await attempt('create', temporary, () => openNew(temporary));
  const pending = new TemporaryFile({ folder, final: join(folder, name), temporary }, handle, signal);
  if (!signal.aborted) return pending;
  await pending.discard();
  throw signal.reason;
}

interface Paths {
  readonly folder: string;
  readonly final: string;
  readonly temporary: string;
}

class TemporaryFile implements PendingFile {
  readonly #paths: Paths;
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal;
  readonly #readers: AsyncGenerator<LentBuffer>[] = [];
  /** What was begun last, and may still go on when the signal has ended the wait for it. */
  #underWay: Promise<unknown> = Promise.resolve();
  #published = false;
  #unsynced = 0;
  #syncing: Promise<void> = Promise.resolve();

  constructor(paths: Paths, handle: FileHandle, signal: AbortSignal) {
    this.#paths = paths;
    this.#handle = handle;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { temporary } = this.#paths;
    await this.#attempt('write', temporary, () => writeAll(this.#handle, temporary, bytes));
    this.#unsynced += bytes.byteLength;
    if (this.#unsynced < SYNC_EVERY_BYTES) return;
    this.#unsynced = 0;
    // In the background: the disk works while the stream goes on, and the last sync finds little to do.
    this.#syncing = this.#syncing.then(() => attempt('sync', temporary, () => this.#handle.datasync()));
    this.#syncing.catch(() => undefined); // thrown by `flush`
  }

  async flush(): Promise<void> {
    await abortable(this.#syncing, this.#signal);
    await this.#attempt('sync', this.#paths.temporary, () => this.#handle.sync());
  }

  read(): Chunks {
    const reader = abortableItems(readChunks(this.#paths.temporary), this.#signal);
    this.#readers.push(reader);
    return reader;
  }

  async publish(): Promise<void> {
    const { folder, final, temporary } = this.#paths;
    await this.flush();
    // Network file systems tell only now of what they could not store.
    await this.#attempt('close', temporary, () => this.#handle.close());
    await this.#attempt('publish', final, async () => {
      await moveWithoutOverwriting(temporary, final);
      this.#published = true;
    });
    await this.#attempt('remove', temporary, () => removeIfThere(temporary));
    await this.#attempt('sync the folder', folder, () => syncFolder(folder));
  }

  async discard(): Promise<void> {
    const { final, temporary } = this.#paths;
    await Promise.allSettled([this.#underWay]); // or it could publish what was just taken away
    await Promise.allSettled(this.#readers.map((reader) => reader.return(undefined))); // closes what it reads from
    await Promise.allSettled([this.#handle.close()]); // whether the bytes were stored matters no more
    const ends = await Promise.allSettled([
      attempt('remove', temporary, () => removeIfThere(temporary)),
      this.#published ? attempt('remove', final, () => removeIfThere(final)) : undefined,
    ]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#published = false;
  }

  async #attempt<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    const working = attempt(action, path, work);
    this.#underWay = working;
    return abortable(working, this.#signal);
  }
}
