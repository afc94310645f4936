import { join } from 'node:path';
import { REPOSITORY } from '../support/repository.ts';
import { BASE, prepareBase } from './base.ts';
import { CACHE, prepareEngine, replaceFile, runEngine, say } from './engine.ts';

const BUILD_TIMEOUT_MS = 10 * 60_000;
/** Layers that nothing has used for so long make room; those of the dependencies are worth keeping for a while. */
const KEEP_LAYERS = '72h';

export interface Image {
  name: string;
  bytes: number;
  user: string;
  workingDir: string;
  entrypoint: string[];
  labels: Record<string, string>;
  env: string[];
}

/** What a release tells the build; a build by hand leaves them out. */
export const BUILD_ARGS = {
  REVISION: '5f0c3a1e9d7b4c2a8e6f1d3b5a7c9e0f2b4d6a81',
  CREATED: '2026-01-31T12:00:00Z',
};

/** Builds the image from the Dockerfile in the repository, reusing what earlier builds left in the cache. */
export async function buildImage(name = 'localhost/etcd-upkeep:test'): Promise<Image> {
  await prepareEngine();
  await prepareBase();
  say('building the image (about 20 s, less with a warm cache)');
  await build(name, BUILD_ARGS);
  await runEngine('podman', ['image', 'prune', '--force', '--filter', `until=${KEEP_LAYERS}`]);
  return inspect(name);
}

/** Throws with what the failed step said. */
export async function build(name: string, buildArgs: Record<string, string>): Promise<void> {
  const how = ['--isolation=chroot', '--pull=never', '--layers'];
  const given = Object.entries({ BASE, ...buildArgs }).map(([arg, value]) => `--build-arg=${arg}=${value}`);
  const args = ['bud', ...how, ...given, ...(await certificateVolumes()), '--tag', name, REPOSITORY];
  try {
    await runEngine('buildah', args, BUILD_TIMEOUT_MS);
  } catch (error) {
    const message = `the image could not be built; the step that failed says why. To build everything anew, remove ${CACHE}`;
    throw new Error(message, { cause: error });
  }
}

/** npm in the build trusts what the machine was told to trust, and nothing of it stays in the image. */
async function certificateVolumes(): Promise<string[]> {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  if (!extra) return [];
  const npmrc = join(CACHE, 'npmrc');
  await replaceFile(npmrc, 'cafile=/usr/local/etc/npm-ca.pem\n');
  return [`--volume=${extra}:/usr/local/etc/npm-ca.pem:ro`, `--volume=${npmrc}:/usr/local/etc/npmrc:ro`];
}

async function inspect(name: string): Promise<Image> {
  const [found]: Inspected[] = JSON.parse(await runEngine('podman', ['image', 'inspect', name]));
  if (found === undefined) throw new Error(`podman knows no image ${name}`);
  const { User, WorkingDir, Entrypoint, Labels, Env } = found.Config;
  return {
    name,
    bytes: found.Size,
    user: User,
    workingDir: WorkingDir,
    entrypoint: Entrypoint,
    labels: Labels,
    env: Env,
  };
}

/** The part of podman's answer that is used. */
interface Inspected {
  Size: number;
  Config: {
    User: string;
    WorkingDir: string;
    Entrypoint: string[];
    Labels: Record<string, string>;
    Env: string[];
  };
}
