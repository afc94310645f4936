import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { StoreError } from '../errors.ts';
import { allowing, codeOf } from './errors.ts';
import { setMode } from './folder.ts';

/**
 * A temporary file: `.<name>.etcd-upkeep-<16 hex digits>.part`. Hidden, and marked with the name of this program, so
 * that nothing which another tool or a person left in the folder is taken for one and removed.
 */
const TEMPORARY_NAME = /^\.(.+)\.etcd-upkeep-[0-9a-f]{16}\.part$/s;

export function temporaryName(name: string): string {
  return `.${name}.etcd-upkeep-${randomBytes(8).toString('hex')}.part`;
}

/** The name that a temporary file was to have in the end; undefined for what is no temporary file's name. */
export function finalNameOf(temporary: string): string | undefined {
  return TEMPORARY_NAME.exec(temporary)?.[1];
}

/** What file systems without hard links answer; EMLINK is a full link count. */
const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Makes a new file, for this user alone. */
export async function openNew(path: string): Promise<FileHandle> {
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
export async function writeAll(handle: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, null);
    if (bytesWritten === 0) throw new StoreError('other', `${path} took no more bytes`, 'look at its disk');
    done += bytesWritten;
  }
}

/**
 * A hard link fails if the name is taken, in one step; a rename would overwrite. Where links cannot be made there is
 * no such step (Node has no `renameat2`), so the name is looked up first, since a network file system may refuse the
 * link before it does. Two runs could only collide in between if both published the same second and revision, and the
 * lock keeps two runs apart.
 */
export async function moveWithoutOverwriting(temporary: string, final: string): Promise<void> {
  try {
    await link(temporary, final);
  } catch (error) {
    if (!NO_HARD_LINKS.includes(codeOf(error) ?? '')) throw error;
    if ((await allowing(['ENOENT'], () => lstat(final))) !== undefined) {
      throw new StoreError(
        'taken',
        `could not publish ${final}: the name is taken`,
        'nothing is overwritten',
      );
    }
    await rename(temporary, final);
  }
}

export async function removeIfThere(path: string): Promise<void> {
  await allowing(['ENOENT'], () => unlink(path));
}
