import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { readBounded, readHead } from './bounded.ts';

/**
 * Files that somebody named. What lies there may be no file at all: to open a named pipe waits for its other end, and a
 * device can be read for ever. So it is opened without waiting, and looked at before it is used: what was opened, not
 * what had the name a moment ago.
 */

/** Something else than a regular file is there. */
export class NotRegular extends Error {
  override readonly name = 'NotRegular';
}

/** The error for a file that was opened; undefined where it is a regular one. */
export function notRegular(path: string, found: Stats): NotRegular | undefined {
  return found.isFile() ? undefined : new NotRegular(`${path} is ${kindOf(found)}, not a regular file`);
}

/** What something is that is no regular file, with its article. */
function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

/** Opens a regular file; links are followed unless the flags forbid it. @throws NotRegular; the system's own error, ENXIO for a pipe nobody reads */
export async function openRegular(path: string, flags: number, mode?: number): Promise<FileHandle> {
  const handle = await open(path, flags | constants.O_NONBLOCK, mode);
  try {
    const problem = notRegular(path, await handle.stat());
    if (problem) throw problem;
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All of a regular file that is to have no more than so many bytes. @throws as `openRegular` and `readBounded` do */
export async function readRegular(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  await using handle = await openRegular(path, constants.O_RDONLY);
  return await readBounded(handle.createReadStream({ autoClose: false }), maxBytes, signal);
}

/** The last bytes of a regular file, so many at the most. @throws as `openRegular` does */
export async function readTail(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  await using handle = await openRegular(path, constants.O_RDONLY);
  const { size } = await handle.stat();
  const start = Math.max(0, size - maxBytes);
  return await readHead(handle.createReadStream({ autoClose: false, start }), maxBytes, signal);
}
