import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardFolder } from './process-guard.ts';

export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

const MEMORY_FOLDER = '/dev/shm';
/** Containers often have 64 MB there, which one database would fill. */
const MIN_FREE_BYTES = 8 * 2 ** 30;

/** A new folder that is removed when the scope or this process ends. */
export async function scratchFolder(name: string, root?: string): Promise<Scratch> {
  const path = await mkdtemp(join(root ?? (await fastestRoot()), `etcd-upkeep-${name}-`));
  guardFolder(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function fastestRoot(): Promise<string> {
  const memory = await statfs(MEMORY_FOLDER).catch(() => undefined); // not on every system
  return memory !== undefined && memory.bavail * memory.bsize >= MIN_FREE_BYTES ? MEMORY_FOLDER : tmpdir();
}
