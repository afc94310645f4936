import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asOrdinaryUser, mountTmpfs } from '../../support/mount-tmpfs.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { fileStore, MIB } from '../../support/file-store.ts';
import { conformance, type Root } from '../conformance.ts';

conformance('a folder', startRoot);

/** A small disk of its own, so that it can be full. */
async function startRoot(): Promise<Root> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(await scratchFolder('conformance'));
  const { path } = stack.use(await mountTmpfs(join(scratch.path, 'disk'), 'size=64m'));
  const folder = join(path, 'prod');
  const end = stack.move();

  async function full(work: () => Promise<void>): Promise<void> {
    const filler = join(path, 'filler');
    await writeFile(filler, Buffer.alloc(65 * MIB)).catch(() => undefined); // as far as it goes
    await work();
    await rm(filler);
  }

  async function forbidden(work: () => Promise<void>): Promise<void> {
    for (const one of [scratch.path, path, folder]) await chmod(one, 0o755);
    await asOrdinaryUser(work);
  }

  return {
    open: (options = {}) => fileStore({ directory: path, cluster: 'prod', ...options }),
    remains: async () => (await readdir(folder)).toSorted(),
    put: async (below, content) => {
      await mkdir(dirname(join(path, below)), { recursive: true });
      await writeFile(join(path, below), content);
    },
    leave: (name) => writeFile(join(folder, `.${name}.etcd-upkeep-0123456789abcdef.part`), 'half'),
    clear: async () => {
      for (const name of await readdir(path)) await rm(join(path, name), { recursive: true });
    },
    faults: { access: forbidden, 'no-space': full },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}
