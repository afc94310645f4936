import { type Explanation, StoreError } from '../errors.ts';

const MOVE_AWAY = 'move that file away, or point BACKUP_STORE at another folder';

/** For each error code of the operating system: what it means for a store, and what to do. */
const EXPLANATIONS: Record<string, Explanation> = {
  ENOENT: {
    code: 'not-found',
    why: 'it does not exist',
    advice: 'create it, or mount the volume that BACKUP_STORE names',
  },
  ENOTDIR: {
    code: 'not-a-folder',
    why: 'a part of this path is a file, not a folder',
    advice: MOVE_AWAY,
  },
  EISDIR: {
    code: 'not-a-file',
    why: 'a folder is where a file should be',
    advice: 'move that folder away',
  },
  EEXIST: {
    code: 'taken',
    why: 'the name is taken',
    advice: 'look at what is there; nothing is ever overwritten',
  },
  ELOOP: {
    code: 'not-a-file',
    why: 'it is a symbolic link',
    advice: 'remove the link; links in the store are not followed',
  },
  EACCES: {
    code: 'access',
    why: 'permission denied',
    advice:
      'let the user of the job read and write there (owner and mode, SELinux label; in the chart: podSecurityContext.fsGroup or runAsUser)',
  },
  EPERM: {
    code: 'access',
    why: 'the operation is not permitted',
    advice: 'let the user of the job read and write there (owner and mode, fsGroup, file attributes)',
  },
  EROFS: {
    code: 'read-only',
    why: 'the file system is read-only',
    advice: 'mount the volume of the store read-write',
  },
  ENOSPC: {
    code: 'no-space',
    why: 'no space is left (or no inode)',
    advice: 'free space, enlarge the volume, or keep fewer backups (BACKUP_KEEP_*)',
  },
  EDQUOT: {
    code: 'no-space',
    why: 'the disk quota is used up',
    advice: 'free space, raise the quota, or keep fewer backups (BACKUP_KEEP_*)',
  },
  EFBIG: {
    code: 'too-large',
    why: 'the file is too large for this file system',
    advice: 'put the store on another one',
  },
  EIO: {
    code: 'other',
    why: 'the disk or the network share reports an input/output error',
    advice: "look at the node's kernel log before trusting it with backups again",
  },
  ESTALE: { code: 'unreachable', why: 'the network share has gone away', advice: 'mount it again' },
  ENAMETOOLONG: {
    code: 'invalid-name',
    why: 'the name is too long',
    advice: 'shorten CLUSTER_NAME or the path in BACKUP_STORE',
  },
};
const UNKNOWN: Explanation = {
  code: 'other',
  why: 'the operating system refused it',
  advice: 'look up the error that it gave',
};

/** The operating system's code (say `ENOSPC`) of an error, undefined if it is not one of the system's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * What to throw for an error met while doing `action` (a verb phrase) to `path`. What is no error of the operating
 * system is a bug, or has its words already, and comes back as it is.
 */
export function toStoreError(action: string, path: string, error: unknown): unknown {
  const system = codeOf(error);
  if (!(error instanceof Error) || system === undefined) return error;
  const { code, why, advice } = EXPLANATIONS[system] ?? UNKNOWN;
  return new StoreError(code, `could not ${action} ${path}: ${why} (${error.message})`, advice, error);
}

/** Does `work`; what the operating system refuses becomes a `StoreError`. */
export async function attempt<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(action, path, error);
  }
}

/** Does `work`; undefined when the operating system answers with one of `codes`. */
export async function allowing<T>(codes: readonly string[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
    return undefined;
  }
}

/** For a path where something else than a folder lies. */
export const notFolder = (path: string): StoreError =>
  new StoreError('not-a-folder', `${path} is a file where a folder should be`, MOVE_AWAY);
