import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { guardFolder } from '../support/process-guard.ts';
import { runProgram } from '../support/run-program.ts';
import { REPOSITORY } from '../support/repository.ts';
import { runEngine, say, TEMPORARY } from './engine.ts';

/** The name of what the Dockerfile pulls where there is a registry; here it is made, and no digest can say what it is. */
export const BASE = 'docker.io/library/node:24-bookworm-slim';
/** The Node that the image is made with here. */
export const NODE = join(REPOSITORY, 'node_modules/node/bin/node');
const NPM = 'npm@11';
const STEP_TIMEOUT_MS = 15 * 60_000;

/** What the real one leaves out too. */
const UNNEEDED = ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/man', 'usr/share/locale'];
/** All that it keeps of the documents. */
const DOCUMENTS = { folder: 'usr/share/doc', kept: 'copyright' };

/** Makes the base image from Debian's packages and the npm package `node`, unless it is there with this very Node. */
export async function prepareBase(): Promise<void> {
  const made = `${(await runProgram(NODE, ['--version'])).trim()} ${NPM} ${DOCUMENTS.kept}`;
  if ((await known()) === made) return;
  say(`making the base image with node ${made} (1 to 2 minutes, once)`);
  const root = await mkdtemp(join(TEMPORARY, 'base-'));
  guardFolder(root);
  try {
    await fillRoot(root);
    await importRoot(root, made);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** What the base image at hand was made with; undefined where there is none. */
async function known(): Promise<string | undefined> {
  const images = await runEngine('podman', ['images', '--quiet', BASE]);
  if (images.trim() === '') return undefined;
  return (await runEngine('podman', ['image', 'inspect', '--format', '{{.Comment}}', BASE])).trim();
}

/** In a mount namespace of its own: what debootstrap mounts in there must not outlive it. */
async function fillRoot(root: string): Promise<void> {
  await chmod(root, 0o755); // it becomes the image's root, which every user enters
  await step('unshare', '--mount', 'debootstrap', '--variant=minbase', 'bookworm', root).catch((error) => {
    throw new Error('Debian could not be unpacked; is its archive reachable from here?', { cause: error });
  });
  for (const path of UNNEEDED) await rm(join(root, path), { recursive: true, force: true });
  const documents = join(root, DOCUMENTS.folder);
  await step('find', documents, '-type', 'f', '!', '-name', DOCUMENTS.kept, '-delete');
  await copyFile(NODE, join(root, 'usr/local/bin/node'));
  await step('npm', 'install', '--global', `--prefix=${join(root, 'usr/local')}`, '--no-audit', NPM);
  await step('chroot', root, 'node', '--version');
}

function step(file: string, ...args: string[]): Promise<string> {
  return runProgram(file, args, { timeoutMs: STEP_TIMEOUT_MS });
}

async function importRoot(root: string, made: string): Promise<void> {
  const archive = `${root}.tar`;
  guardFolder(archive);
  try {
    await step('tar', '-C', root, '-cf', archive, '.');
    await runEngine('podman', ['import', '--quiet', '--message', made, archive, BASE], STEP_TIMEOUT_MS);
  } finally {
    await rm(archive, { force: true });
  }
}
