import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { CACHE, runEngine, say } from '../image/engine.ts';
import { runProgram } from '../support/run-program.ts';
import { etcdBinary, etcdctl, etcdutl, kubernetes } from '../support/tools.ts';

/** The image under test as the node knows it. */
export const IMAGE = 'localhost/etcd-upkeep:e2e';
/** What holds a pod's namespaces while its containers come and go. */
export const PAUSE = 'localhost/pause:1';
/** What the chart's `drill.image` is by default, and laid out as etcd's own image is. */
export const ETCD = 'quay.io/coreos/etcd:v3.6.16';
/** What the chart takes on a cluster of this version, and laid out as the official one is. */
export const KUBE_APISERVER = 'registry.k8s.io/kube-apiserver:v1.36.3';

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
/**
 * Stands for /go-runner of the images of Kubernetes, which is in no Go module: with the three flags of that one it runs a
 * program, copies its output into a file, hands signals on, and ends with 1 where the program fails.
 */
const GO_RUNNER_SOURCE = `package main

import (
	"flag"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	path := flag.String("log-file", "", "where the output goes")
	both := flag.Bool("also-stdout", false, "and to standard output")
	redirect := flag.Bool("redirect-stderr", true, "standard error goes where standard output does")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("there is nothing to run")
	}
	var out io.Writer = os.Stdout
	if *path != "" {
		file, err := os.OpenFile(*path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			log.Fatal(err)
		}
		out = file
		if *both {
			out = io.MultiWriter(os.Stdout, file)
		}
	}
	program := exec.Command(flag.Arg(0), flag.Args()[1:]...)
	program.Stdout, program.Stderr = out, os.Stderr
	if *redirect {
		program.Stderr = out
	}
	if err := program.Start(); err != nil {
		log.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() { program.Process.Signal(<-signals) }()
	if err := program.Wait(); err != nil {
		log.Fatal(err)
	}
}
`;
const PAUSE_DOCKERFILE = `FROM scratch
COPY pause /pause
USER 65535:65535
ENTRYPOINT ["/pause"]
`;

/** The files that containerd imports images from. */
export interface Archives {
  /** Of those that every node has. */
  archives: string[];
  /** Of a large one that few need. */
  kubeApiServer: string;
}

/** Builds the images. */
export async function prepareImages(): Promise<Archives> {
  await buildImage(IMAGE);
  await buildPause();
  await buildEtcd();
  await buildKubeApiServer();
  return {
    archives: [await archive(PAUSE), await archive(IMAGE), await archive(ETCD)],
    kubeApiServer: await archive(KUBE_APISERVER),
  };
}

async function buildEtcd(): Promise<void> {
  const folder = await folderOf(ETCD, {
    etcd: await etcdBinary('3.6'),
    etcdctl: await etcdctl(),
    etcdutl: await etcdutl(),
  });
  await buildOf(ETCD, folder, { '/usr/local/bin/': ['etcd', 'etcdctl', 'etcdutl'] });
}

async function buildKubeApiServer(): Promise<void> {
  const folder = await folderOf(KUBE_APISERVER, { 'kube-apiserver': await kubernetes('kube-apiserver') });
  await buildGo('go-runner', GO_RUNNER_SOURCE, folder);
  // As the official one has it: where a container's capabilities do not include it, the program cannot even be started.
  await runProgram('setcap', ['cap_net_bind_service=+ep', join(folder, 'kube-apiserver')]);
  await buildOf(KUBE_APISERVER, folder, { '/usr/local/bin/': ['kube-apiserver'], '/': ['go-runner'] });
}

/** A folder with programs to build an image from. `programs`: each one's name in there and its path here. */
async function folderOf(image: string, programs: Record<string, string>): Promise<string> {
  const folder = join(CACHE, `programs-${shortName(image)}`);
  await mkdir(folder, { recursive: true });
  for (const [name, path] of Object.entries(programs)) {
    await copyFile(await located(path), join(folder, name));
  }
  return folder;
}

/** An image of nothing but programs that need nothing else. `where`: folders in there, and what comes into them. */
async function buildOf(image: string, folder: string, where: Record<string, string[]>): Promise<void> {
  const copies = Object.entries(where).map(([target, names]) => `COPY ${names.join(' ')} ${target}\n`);
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
  await buildGo('pause', PAUSE_SOURCE, folder);
  await writeFile(join(folder, 'Dockerfile'), PAUSE_DOCKERFILE);
  await runEngine('buildah', ['bud', '--isolation=chroot', '--tag', PAUSE, folder], STEP_TIMEOUT_MS);
}

/** A program of one file and nothing but Go's own library; the same source gives the same bytes. */
async function buildGo(name: string, source: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.go`), source);
  await runProgram('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', name, `${name}.go`], {
    cwd: folder,
    timeoutMs: STEP_TIMEOUT_MS,
  });
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
