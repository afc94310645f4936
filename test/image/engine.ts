import { access, mkdir, rename, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { needsMoreThanNode } from '../support/more-than-node.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { REPOSITORY } from '../support/repository.ts';

/** Images, containers and all that the tools remember; removing it costs a few minutes at the next run. */
export const CACHE = join(REPOSITORY, '.cache/containers');
export const TEMPORARY = join(CACHE, 'tmp');

const SETTINGS = {
  CONTAINERS_CONF: join(CACHE, 'containers.conf'),
  CONTAINERS_STORAGE_CONF: join(CACHE, 'storage.conf'),
  TMPDIR: TEMPORARY,
};

/** Each package and what tells that it is there; they have the same names in Debian and Ubuntu. */
const PACKAGES = {
  buildah: '/usr/bin/buildah',
  podman: '/usr/bin/podman',
  runc: '/usr/sbin/runc',
  debootstrap: '/usr/sbin/debootstrap',
  'debian-archive-keyring': '/usr/share/keyrings/debian-archive-keyring.gpg',
};
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const OVERLAYFS_MAGIC = 0x794c7630;

export const say = (progress: string): void => void process.stderr.write(`${progress}\n`);

/** Installs what is missing and keeps the tools' storage inside of the repository's cache. */
export async function prepareEngine(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error('the image test builds and runs containers without an engine: run it as root, on Linux');
  }
  await installMissing('the image test', PACKAGES);
  await mkdir(TEMPORARY, { recursive: true });
  await replaceFile(SETTINGS.CONTAINERS_STORAGE_CONF, await storageConf());
  await replaceFile(SETTINGS.CONTAINERS_CONF, containersConf());
}

/** At no time half written: another test process may read it. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, content);
  await rename(own, path);
}

export type Engine = 'podman' | 'buildah';

/**
 * The command line of an engine. In a mount namespace of its own: whatever it leaves mounted, also when it is killed,
 * goes away with it, and the cache can always be removed.
 */
export function engineCommand(engine: Engine, args: string[]): [file: string, args: string[]] {
  return ['unshare', ['--mount', engine, ...args]];
}

/** Runs an engine to its end and returns its stdout. */
export function runEngine(engine: Engine, args: string[], timeoutMs = 60_000): Promise<string> {
  return runProgram(...engineCommand(engine, args), { env: engineEnv(), timeoutMs });
}

/** The settings above, and the way to the world where it leads through a proxy: builds install packages. */
export function engineEnv(): Record<string, string> {
  const proxies = Object.entries(process.env).flatMap(([name, value]) =>
    /_proxy$/i.test(name) && value !== undefined ? [[name, value]] : [],
  );
  return plainEnv({ ...Object.fromEntries(proxies), ...SETTINGS });
}

/** Installs with apt-get what is missing. `packages`: each one's name and a file that tells that it is there. */
export async function installMissing(who: string, packages: Record<string, string>): Promise<void> {
  needsMoreThanNode(Object.keys(packages).join(', '));
  const missing: string[] = [];
  for (const [name, file] of Object.entries(packages)) {
    await access(file).catch(() => missing.push(name));
  }
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')} (about half a minute, once)`);
  try {
    await apt('update');
    await apt('install', '--yes', '--no-install-recommends', ...missing);
  } catch (error) {
    const message = `${who} needs ${missing.join(', ')}: install them, or run it on Debian or Ubuntu`;
    throw new Error(message, { cause: error });
  }
}

function apt(...args: string[]): Promise<string> {
  const env = { ...engineEnv(), DEBIAN_FRONTEND: 'noninteractive', TMPDIR: '/tmp' };
  return runProgram('apt-get', args, { env, timeoutMs: INSTALL_TIMEOUT_MS });
}

/** Overlays share what images have in common, but cannot lie on one another; `vfs` copies everything and always works. */
export async function storageDriver(): Promise<'vfs' | 'overlay'> {
  const { type } = await statfs(CACHE);
  return type === OVERLAYFS_MAGIC ? 'vfs' : 'overlay';
}

async function storageConf(): Promise<string> {
  return `[storage]
driver = "${await storageDriver()}"
graphroot = "${join(CACHE, 'storage')}"
runroot = "${join(CACHE, 'run')}"
`;
}

/**
 * runc, because crun refuses older cgroup layouts. No `static_dir` and `volume_path`: podman does not hand them on to
 * the process that cleans a container up, which then looks in the wrong place and costs 20 s.
 */
function containersConf(): string {
  return `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "${join(CACHE, 'libpod')}"
[network]
network_config_dir = "${join(CACHE, 'networks')}"
`;
}
