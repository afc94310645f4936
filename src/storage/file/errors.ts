import { Failure } from '../../errors.ts';

/** What it means for the cluster when a backup could not be written. */
export const NOTHING_CHANGED = 'nothing was backed up and nothing was changed';

/** For each error code of the operating system: what it means for a store, and what to do. */
const EXPLANATIONS: Record<string, { why: string; advice: string }> = {
  ENOENT: { why: 'it does not exist', advice: 'create it, or mount the volume that BACKUP_STORE names' },
  ENOTDIR: {
    why: 'a part of this path is a file, not a folder',
    advice: 'move that file away, or point BACKUP_STORE at another folder',
  },
  EISDIR: { why: 'a folder is where a file should be', advice: 'move that folder away' },
  EEXIST: { why: 'the name is taken', advice: 'look at what is there; nothing is ever overwritten' },
  ELOOP: { why: 'it is a symbolic link', advice: 'remove the link; links in the store are not followed' },
  EACCES: {
    why: 'permission denied',
    advice:
      'let the user of the job read and write there (owner and mode, SELinux label; in the chart: podSecurityContext.fsGroup or runAsUser)',
  },
  EPERM: {
    why: 'the operation is not permitted',
    advice: 'let the user of the job read and write there (owner and mode, fsGroup, file attributes)',
  },
  EROFS: { why: 'the file system is read-only', advice: 'mount the volume of the store read-write' },
  ENOSPC: {
    why: 'no space is left (or no inode)',
    advice: 'free space, enlarge the volume, or keep fewer backups (BACKUP_KEEP_*)',
  },
  EDQUOT: {
    why: 'the disk quota is used up',
    advice: 'free space, raise the quota, or keep fewer backups (BACKUP_KEEP_*)',
  },
  EFBIG: { why: 'the file is too large for this file system', advice: 'put the store on another one' },
  EIO: {
    why: 'the disk or the network share reports an input/output error',
    advice: "look at the node's kernel log before trusting it with backups again",
  },
  ESTALE: { why: 'the network share has gone away', advice: 'mount it again' },
  ENAMETOOLONG: { why: 'the name is too long', advice: 'shorten CLUSTER_NAME or the path in BACKUP_STORE' },
};
const UNKNOWN = { why: 'the operating system refused it', advice: 'look up the error that it gave' };

/** The operating system's code (say `ENOSPC`) of an error, undefined if it is not one of the system's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * The failure to throw for an error met while doing `action` (a verb phrase) to `path`. What is no error of the
 * operating system is a bug, or has its words already, and comes back as it is.
 */
export function fileFailure(action: string, path: string, error: unknown, consequence = ''): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return error;
  const { why, advice } = EXPLANATIONS[code] ?? UNKNOWN;
  return refusal(`could not ${action} ${path}: ${why} (${error.message})`, advice, consequence, error);
}

/** A failure of the store in the same form, for what it refuses by itself. */
export function refusal(problem: string, advice: string, consequence = '', cause?: unknown): Failure {
  const message = [problem, consequence, advice].filter((part) => part !== '').join('; ');
  return new Failure('backup', message, { cause });
}

/** Does `work`; what the operating system refuses becomes a `Failure`. */
export async function attempt<T>(
  action: string,
  path: string,
  work: () => Promise<T>,
  consequence = '',
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileFailure(action, path, error, consequence);
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
