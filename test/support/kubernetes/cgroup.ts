import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardCgroup } from '../process-guard.ts';
import { runProgram } from '../run-program.ts';

const REMOVE_TIMEOUT_MS = 10_000;
const POLL_MS = 100;

/** A control group in every hierarchy of the machine. It is removed, with all below it, when its scope ends. */
export async function createCgroup(name: string): Promise<AsyncDisposable> {
  const folders = await cgroupFolders(name);
  for (const folder of folders) {
    guardCgroup(folder);
    await mkdir(folder, { recursive: true });
  }
  return { [Symbol.asyncDispose]: () => removeCgroup(name) };
}

/** Removes what is left of it. Throws where a process is still in there after 10 s. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = Date.now() + REMOVE_TIMEOUT_MS;
  for (const folder of await cgroupFolders(name)) {
    let failure: unknown;
    while (existsSync(folder)) {
      if (Date.now() > deadline) throw new Error(`${folder} cannot be removed`, { cause: failure });
      // The kernel needs a moment after the last process is gone.
      await runProgram('find', [folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']).catch(
        (error) => {
          failure = error;
          return sleep(POLL_MS);
        },
      );
    }
  }
}

/** Where a group of that name is or would be: version 1 has a hierarchy for each controller. */
export async function cgroupFolders(name: string): Promise<string[]> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return mounts.flatMap(([, point = '', type = '']) => (/^cgroup2?$/.test(type) ? [join(point, name)] : []));
}
