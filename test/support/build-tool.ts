import { link, mkdir, mkdtemp, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardFolder } from './process-guard.ts';
import { runProgram } from './run-program.ts';
import type { Tool } from './tool-list.ts';

const BUILD_TIMEOUT_MS = 20 * 60_000;

/**
 * Puts a tool at `target`. Several processes may ask at once: one of them builds while the others wait; the file
 * appears whole or not at all. Installs nothing outside of the target's folder (Go's own caches aside).
 */
export async function buildTool(tool: Tool, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`);
  const work = await mkdtemp(`${target}.build-`);
  guardFolder(work);
  try {
    if (await stat(target).catch(() => undefined)) return; // built while this process waited for the lock
    await rename(await build(tool, work), target);
  } finally {
    await rm(work, { recursive: true, force: true });
    await unlock();
  }
}

function build(tool: Tool, work: string): Promise<string> {
  if (tool.debian) return unpackDebian(tool, tool.debian, work);
  return tool.folder ? buildFolder(tool, tool.folder, work) : buildGo(tool, work);
}

const goEnv = (): Record<string, string> => ({ ...inheritedEnv(), CGO_ENABLED: '0' });

/** What it needs, and in which version, stands beside its source. */
async function buildFolder({ name }: Tool, folder: string, work: string): Promise<string> {
  process.stderr.write(`building ${name} (a few seconds, once)\n`);
  const binary = join(work, 'binary');
  await runProgram('go', ['build', '-ldflags=-s -w', '-o', binary, '.'], {
    cwd: folder,
    env: goEnv(),
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  return binary;
}

/** Every tool has a module of its own, so that none decides on the versions of another's dependencies. */
async function buildGo(tool: Tool, work: string): Promise<string> {
  const takes = tool.takes ? `about ${tool.takes}, once` : 'once';
  process.stderr.write(`building ${tool.name} ${tool.version} (${takes})\n`);
  const go = (...args: string[]) =>
    runProgram('go', args, { cwd: work, env: goEnv(), timeoutMs: BUILD_TIMEOUT_MS });
  await go('mod', 'init', 'tool');
  if (tool.kubernetes) await replaceStaging(go, tool.version);
  await go('get', '-tool', `${tool.package}@v${tool.version}`);
  const release = `v${await moduleVersion(go, tool)}`;
  const stamps = (tool.stamps ?? []).map((name) => `-X ${name.includes('=') ? name : `${name}=${release}`}`);
  await go('build', `-ldflags=${['-s -w', ...stamps].join(' ')}`, '-o', 'binary', tool.package);
  return join(work, 'binary');
}

type Go = (...args: string[]) => Promise<string>;

/** The release that a version like `3.6` stands for. */
async function moduleVersion(go: Go, { package: name }: Tool): Promise<string> {
  const listed = await go('list', '-f', '{{.Module.Version}}', name);
  return listed.trim().replace(/^v/, '');
}

/**
 * Kubernetes requires the modules of its own repository as v0.0.0 and replaces them by folders, which nobody else has:
 * here by their releases.
 */
async function replaceStaging(go: Go, version: string): Promise<void> {
  const { GoMod }: { GoMod: string } = JSON.parse(
    await go('mod', 'download', '-json', `k8s.io/kubernetes@v${version}`),
  );
  const staging = (await readFile(GoMod, 'utf8')).matchAll(/^\s*(k8s\.io\/\S+) v0\.0\.0$/gm);
  const release = `v${version.replace(/^1/, '0')}`;
  const replaced = [...staging].map(([, name]) => `-replace=${name}=${name}@${release}`);
  await go('mod', 'edit', ...replaced);
}

async function unpackDebian({ name, version }: Tool, wanted: string, work: string): Promise<string> {
  process.stderr.write(`unpacking ${name} ${version} from the package ${wanted}\n`);
  const download = () =>
    runProgram('apt-get', ['download', wanted], { cwd: work, timeoutMs: BUILD_TIMEOUT_MS });
  await download().catch(async () => {
    await runProgram('apt-get', ['update'], { timeoutMs: BUILD_TIMEOUT_MS }); // the lists are missing or too old
    await download();
  });
  await runProgram('sh', ['-c', 'dpkg -x ./*.deb unpacked'], { cwd: work });
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
