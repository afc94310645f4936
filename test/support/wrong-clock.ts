import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runProgram } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { CACHE } from './tools.ts';

const LIBRARY = 'libfaketimeMT.so.1';

/** The variables by which a program sees a clock that is wrong by so many days. Files keep their real times. */
export async function wrongClock(days: number): Promise<Record<string, string>> {
  return { ...(await faked()), FAKETIME: `${days < 0 ? '' : '+'}${days}d` };
}

/** A clock that is right until it is set. */
export interface SettableClock extends AsyncDisposable {
  /** The variables by which a program sees it. */
  readonly env: Record<string, string>;
  /** How far it is off the right time. */
  set(hours: number): Promise<void>;
}

/** A clock that can be set while a program looks at it. */
export async function settableClock(): Promise<SettableClock> {
  const folder = await scratchFolder('clock');
  const file = join(folder.path, 'time');
  async function set(hours: number): Promise<void> {
    await writeFile(`${file}.new`, `${hours < 0 ? '' : '+'}${hours}h\n`);
    await rename(`${file}.new`, file); // never seen half written
  }
  await set(0);
  return {
    env: { ...(await faked()), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' },
    set,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const faked = async (): Promise<Record<string, string>> => ({
  LD_PRELOAD: await library(),
  // Time that passes, and that of files, is not the clock's: a wrong clock does not change them.
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  NO_FAKE_STAT: '1',
});

/** libfaketime where Debian and Ubuntu install it, or their package unpacked into the cache. */
async function library(): Promise<string> {
  for (const folder of await readdir('/usr/lib')) {
    const installed = join('/usr/lib', folder, 'faketime', LIBRARY);
    if (await exists(installed)) return installed;
  }
  const cached = join(CACHE, LIBRARY);
  if (await exists(cached)) return cached;
  try {
    await unpack(cached);
  } catch (error) {
    throw new Error('tests of wrong clocks need libfaketime: install it (apt-get install faketime)', {
      cause: error,
    });
  }
  return cached;
}

async function unpack(target: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  await using work = await scratchFolder('faketime', CACHE);
  const download = () => runProgram('apt-get', ['download', 'libfaketime'], { cwd: work.path });
  await download().catch(async () => {
    await runProgram('apt-get', ['update'], { timeoutMs: 300_000 }); // the lists are missing or too old
    await download();
  });
  await runProgram('sh', ['-c', 'dpkg -x ./*.deb .'], { cwd: work.path });
  const found = (await readdir(work.path, { recursive: true })).find((path) => basename(path) === LIBRARY);
  if (found === undefined) throw new Error(`the package libfaketime has no ${LIBRARY}`);
  await rename(join(work.path, found), target); // whole or not at all, for the other test processes
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
