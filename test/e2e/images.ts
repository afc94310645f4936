import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { CACHE, runEngine, say } from '../image/engine.ts';
import { run } from '../support/process.ts';

/** The image under test as the node knows it. */
export const IMAGE = 'localhost/etcd-upkeep:e2e';
/** What holds a pod's namespaces while its containers come and go. */
export const PAUSE = 'localhost/pause:1';

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
  return [await archive(PAUSE), await archive(IMAGE)];
}

async function buildPause(): Promise<void> {
  const known = await runEngine('podman', ['images', '--quiet', PAUSE]);
  if (known.trim() !== '') return;
  const folder = join(CACHE, 'pause');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'pause.go'), PAUSE_SOURCE);
  await writeFile(join(folder, 'Dockerfile'), PAUSE_DOCKERFILE);
  await run('go', ['build', '-ldflags=-s -w', '-o', 'pause', 'pause.go'], {
    cwd: folder,
    timeoutMs: STEP_TIMEOUT_MS,
  });
  await runEngine('buildah', ['bud', '--isolation=chroot', '--tag', PAUSE, folder], STEP_TIMEOUT_MS);
}

/** An archive bears the ID of its image: the one of an image that did not change is still there. */
async function archive(image: string): Promise<string> {
  const id = (await runEngine('podman', ['image', 'inspect', '--format={{.Id}}', image])).trim();
  const prefix = `${basename(image).split(':')[0]}-`;
  const target = join(ARCHIVES, `${prefix}${id}.tar`);
  if (await stat(target).catch(() => undefined)) return target;
  say(`exporting ${image} (some seconds)`);
  await mkdir(ARCHIVES, { recursive: true });
  for (const old of await readdir(ARCHIVES)) {
    if (old.startsWith(prefix)) await rm(join(ARCHIVES, old));
  }
  const own = `${target}.part`;
  const how = ['--format=oci-archive', '--uncompressed', `--output=${own}`];
  await runEngine('podman', ['save', ...how, image], STEP_TIMEOUT_MS);
  await rename(own, target);
  return target;
}
