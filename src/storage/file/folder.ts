import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError } from '../errors.ts';
import { allowing, attempt, notFolder } from './errors.ts';

/** Answers of file systems that have no modes (vfat, some network shares): there the mount's options rule. */
const NO_MODES = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** Sets the mode whatever the umask was, where the file system has modes at all. */
export async function setMode(file: FileHandle | string, mode: number): Promise<void> {
  await allowing(NO_MODES, () => (typeof file === 'string' ? chmod(file, mode) : file.chmod(mode)));
}

/**
 * Makes the root, which may be a link or a mount, and in it the cluster's folder, which must be a real one. A folder
 * that is there keeps its mode: on a Kubernetes volume it may be the work of fsGroup, and the files are 0600 anyway.
 */
export async function makeFolders(root: string, folder: string): Promise<void> {
  await attempt('make the folder', root, () => makeRoot(root));
  if (await folderExists(folder)) return;
  await attempt('make the folder', folder, () => makeFolder(folder));
  await folderExists(folder); // what another may have put there in the meantime
  await attempt('sync the folder', root, () => syncFolder(root));
}

/**
 * Not `mkdir` with `recursive`: on a read-only file system Node reports ENOENT from that, which sends people looking
 * for the wrong thing, and below /proc it never ends.
 */
async function makeRoot(path: string): Promise<void> {
  const found = await allowing(['ENOENT'], () => stat(path));
  if (found !== undefined && !found.isDirectory()) throw notFolder(path);
  if (found !== undefined) return;
  if (dirname(path) !== path) await makeRoot(dirname(path));
  await makeFolder(path);
}

async function makeFolder(path: string): Promise<void> {
  const made = await allowing(['EEXIST'], async () => {
    await mkdir(path, { mode: 0o700 });
    return true;
  });
  if (made) await setMode(path, 0o700);
}

/**
 * Whether the cluster's folder is there. Fails when something else has its name: a symbolic link could lead out of
 * the store, where another's files would be listed and pruned.
 */
export async function folderExists(folder: string): Promise<boolean> {
  const found = await attempt('look at', folder, () => allowing(['ENOENT'], () => lstat(folder)));
  if (found === undefined) return false;
  if (found.isSymbolicLink()) {
    throw new StoreError(
      'not-a-folder',
      `${folder} is a symbolic link; a cluster's folder must be a real one`,
      'remove the link, or point BACKUP_STORE at where it leads',
    );
  }
  if (!found.isDirectory()) throw notFolder(folder);
  return true;
}

/** Makes the names in a folder durable. Some file systems know no such thing and answer EINVAL. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await allowing(['EINVAL'], () => handle.sync());
  } finally {
    await handle.close();
  }
}
