import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { needsMoreThanNode } from './more-than-node.ts';
import { runProgram } from './run-program.ts';

export interface Mount extends AsyncDisposable {
  readonly path: string;
  /** Changes the options of the mounted file system, say to `ro`. */
  remount(options: string): Promise<void>;
}

/** Unmounts when its stdin ends: at disposal, and also when the test process is killed. */
const KEEPER = `trap '' INT TERM HUP; cat >/dev/null; umount -l "$0"`;

/** Mounts a new tmpfs at `path` (say with `size=64k,nr_inodes=10`). Needs root, as the tests of full disks do. */
export async function mountTmpfs(path: string, options: string): Promise<Mount> {
  needsMoreThanNode('a small tmpfs');
  await mkdir(path, { recursive: true });
  try {
    await runProgram('mount', ['-t', 'tmpfs', '-o', options, 'etcd-upkeep-test', path]);
  } catch (error) {
    const message =
      'tests of full and read-only disks mount a small tmpfs: run them as root, where that is allowed';
    throw new Error(message, { cause: error });
  }
  const keeper = spawn('/bin/sh', ['-c', KEEPER, path], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  const end = once(keeper, 'exit');
  return {
    path,
    remount: async (changed) => {
      await runProgram('mount', ['-o', `remount,${changed}`, path]);
    },
    [Symbol.asyncDispose]: async () => {
      keeper.stdin.end();
      await end;
    },
  };
}

/** Nobody of importance: a user that owns nothing. */
const OTHER_USER = 65_534;

/** Runs `work` as an ordinary user, because modes do not bind root. Nothing else may run at the same time. */
export async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  needsMoreThanNode('another user');
  if (process.seteuid === undefined || process.getuid?.() !== 0) {
    throw new Error('tests of permissions become another user: run them as root, on Linux');
  }
  process.seteuid(OTHER_USER);
  try {
    return await work();
  } finally {
    process.seteuid(0);
  }
}
