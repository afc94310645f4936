import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;
const TIMEOUT_MS = 30_000;

/** Waits until the file that a running backup writes has that many bytes; its path. `folder` is a store's root. */
export async function waitForTemporaryFile(folder: string, bytes: number): Promise<string> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    for (const name of await readdir(folder, { recursive: true })) {
      if (!/\.db(\.zst)?(\.age)?\.etcd-upkeep-[0-9a-f]+\.part$/.test(name)) continue;
      const path = join(folder, name);
      const size = await stat(path).then(
        (found) => found.size,
        () => 0, // gone between the two looks
      );
      if (size >= bytes) return path;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`no backup in ${folder} had ${bytes} bytes within ${TIMEOUT_MS} ms`);
}
