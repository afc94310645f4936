import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { CACHE, runEngine, say } from '../image/engine.ts';
import { runProgram } from '../support/run-program.ts';
import { etcdBinary, etcdctl, etcdutl } from '../support/tools.ts';

/** The image under test as the node knows it. */
export const IMAGE = 'localhost/etcd-upkeep:e2e';
/** What holds a pod's namespaces while its containers come and go. */
export const PAUSE = 'localhost/pause:1';
/** What the chart's `drill.image` is by default, and laid out as etcd's own image is. */
export const ETCD = 'quay.io/coreos/etcd:v3.6.16';

const ARCHIVES = join(CACHE, 'archives');
const STEP_TIMEOUT_MS = 5 * 60_000;

const PAUSE_SOURCE = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
`;
const PAUSE_DOCKERFILE = `FROM scratch
COPY pause /pause
USER 65535:65535
ENTRYPOINT ["/pause"]
`;

/** Builds the images and returns the files that containerd imports them from. */
export async function prepareImages(): Promise<string[]> {
  await buildImage(IMAGE);
  await buildPause();
  await buildOf(ETCD, { etcd: await etcdBinary('3.6'), etcdctl: await etcdctl(), etcdutl: await etcdutl() });
  return [await archive(PAUSE), await archive(IMAGE), await archive(ETCD)];
}

/** An image of nothing but programs that need nothing else. `programs`: each one's name in there and its path here. */
async function buildOf(image: string, programs: Record<string, string>): Promise<void> {
  const folder = join(CACHE, `programs-${shortName(image)}`);
  await mkdir(folder, { recursive: true });
  for (const [name, path] of Object.entries(programs)) {
    await copyFile(await located(path), join(folder, name));
  }
  const copies = Object.keys(programs).map((name) => `COPY ${name} /usr/local/bin/${name}\n`);
  await writeFile(join(folder, 'Dockerfile'), `FROM scratch\n${copies.join('')}ENV PATH=/usr/local/bin\n`);
  // With layers: what has not changed keeps its ID.
  const how = ['--isolation=chroot', '--layers', '--tag', image];
  await runEngine('buildah', ['bud', ...how, folder], STEP_TIMEOUT_MS);
}

/** The path of a program that was found by its name alone. */
async function located(program: string): Promise<string> {
  if (program.includes('/')) return program;
  return (await runProgram('sh', ['-c', 'command -v "$1"', 'sh', program])).trim();
}

const shortName = (image: string): string => basename(image).split(':')[0] ?? image;

async function buildPause(): Promise<void> {
  const known = await runEngine('podman', ['images', '--quiet', PAUSE]);
  if (known.trim() !== '') return;
  const folder = join(CACHE, 'pause');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'pause.go'), PAUSE_SOURCE);
  await writeFile(join(folder, 'Dockerfile'), PAUSE_DOCKERFILE);
  await runProgram('go', ['build', '-ldflags=-s -w', '-o', 'pause', 'pause.go'], {
    cwd: folder,
    timeoutMs: STEP_TIMEOUT_MS,
  });
  await runEngine('buildah', ['bud', '--isolation=chroot', '--tag', PAUSE, folder], STEP_TIMEOUT_MS);
}

/** An archive bears the ID of its image: the one of an image that did not change is still there. */
async function archive(image: string): Promise<string> {
  const id = (await runEngine('podman', ['image', 'inspect', '--format={{.Id}}', image])).trim();
  const name = shortName(image);
  const target = join(ARCHIVES, `${name}-${id}.tar`);
  if (await stat(target).catch(() => undefined)) return target;
  say(`exporting ${image} (some seconds)`);
  await mkdir(ARCHIVES, { recursive: true });
  for (const old of await readdir(ARCHIVES)) {
    if (/^(.+)-[0-9a-f]{64}\./.exec(old)?.[1] === name) await rm(join(ARCHIVES, old));
  }
  const own = `${target}.part`;
  const how = ['--format=oci-archive', '--uncompressed', `--output=${own}`];
  await runEngine('podman', ['save', ...how, image], STEP_TIMEOUT_MS);
  await rename(own, target);
  return target;
}
