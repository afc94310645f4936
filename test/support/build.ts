import { link, mkdir, mkdtemp, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardFolder } from './guard.ts';
import { run } from './process.ts';
import type { EtcdVersion, ToolName } from './tools.ts';

const BUILD_TIMEOUT_MS = 20 * 60_000;

const GO_PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
  etcdutl: 'go.etcd.io/etcd/etcdutl/v3',
} as const;

/** 3.4 cannot be built as a Go module; Debian bookworm and Ubuntu 24.04 have it. */
const DEBIAN_PACKAGES: Partial<Record<ToolName, string>> = { etcd: 'etcd-server', etcdctl: 'etcd-client' };

/**
 * Puts a tool at `target`. Several processes may ask at once: one of them builds while the others wait; the file
 * appears whole or not at all. Installs nothing outside of the target's folder (Go's own caches aside).
 */
export async function buildTool(name: ToolName, version: EtcdVersion, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`);
  const work = await mkdtemp(`${target}.build-`);
  guardFolder(work);
  try {
    if (await stat(target).catch(() => undefined)) return; // built while this process waited for the lock
    const binary = version === '3.4' ? await unpackDebian(name, work) : await buildGo(name, version, work);
    await rename(binary, target);
  } catch (error) {
    const variable = `${basename(target).toUpperCase().replace(/[-.]/g, '_')}_BIN`;
    throw new Error(`${name} ${version} could not be built; point ${variable} at one instead`, {
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
    await unlock();
  }
}

/** Every tool has a module of its own, so that none decides on the versions of another's dependencies. */
async function buildGo(name: ToolName, version: string, work: string): Promise<string> {
  const how = name === 'etcd' ? 'about 2 minutes, once' : 'once';
  process.stderr.write(`building ${name} ${version} (${how})\n`);
  const target = GO_PACKAGES[name];
  const go = (...args: string[]) =>
    run('go', args, {
      cwd: work,
      env: { ...inheritedEnv(), CGO_ENABLED: '0' },
      timeoutMs: BUILD_TIMEOUT_MS,
    });
  await go('mod', 'init', 'tool');
  await go('get', '-tool', `${target}@v${version}`);
  await go('build', '-ldflags=-s -w', '-o', 'binary', target);
  return join(work, 'binary');
}

async function unpackDebian(name: ToolName, work: string): Promise<string> {
  const wanted = DEBIAN_PACKAGES[name];
  if (wanted === undefined) throw new Error(`etcd 3.4 has no ${name}`);
  process.stderr.write(`unpacking ${name} 3.4 from the package ${wanted}\n`);
  const download = () => run('apt-get', ['download', wanted], { cwd: work, timeoutMs: BUILD_TIMEOUT_MS });
  await download().catch(async () => {
    await run('apt-get', ['update'], { timeoutMs: BUILD_TIMEOUT_MS }); // the lists are missing or too old
    await download();
  });
  await run('sh', ['-c', 'dpkg -x ./*.deb unpacked'], { cwd: work });
  return join(work, 'unpacked/usr/bin', name);
}

function inheritedEnv(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return Object.fromEntries(entries);
}

/**
 * A lock file that holds its owner's pid from the moment it exists, which is what linking gives. The lock of a process
 * that died is taken away; two that do so in the same instant build twice, which is slow but right.
 */
async function lock(path: string): Promise<() => Promise<void>> {
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    while (!(await tryLink(mine, path))) {
      if (!(await ownerLives(path))) await rm(path, { force: true });
      else await sleep(500);
    }
  } finally {
    await unlink(mine);
  }
  return () => rm(path, { force: true });
}

function tryLink(existing: string, path: string): Promise<boolean> {
  return link(existing, path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

async function ownerLives(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8').catch(() => '0'));
  if (pid === 0) return true; // just released: the next try will tell
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
