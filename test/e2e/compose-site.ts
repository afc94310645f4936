import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE, storageDriver } from '../image/engine.ts';
import { startComponent } from '../support/kubernetes/component.ts';
import { runProgram } from '../support/run-program.ts';
import { dockerCompose } from '../support/tools.ts';

/** Podman as a service that speaks Docker's API, and Docker Compose in front of it, on a network of their own. */
export interface ComposeSite extends AsyncDisposable {
  /** Runs Docker Compose and returns its stdout. Throws with its stderr. */
  compose(env: Record<string, string>, ...args: string[]): Promise<string>;
  podman(...args: string[]): Promise<string>;
}

const TIMEOUT_MS = 120_000;

/** Only where `npm run test:e2e` runs its tests: it makes bridges and rules of the firewall. */
export async function startComposeSite(): Promise<ComposeSite> {
  // Removed by who made the namespaces: in here it is still mounted when the tests are over.
  const folder = await mkdtemp(join(tmpdir(), 'podman-'));
  const settings = {
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    CONTAINERS_CONF: join(folder, 'containers.conf'),
  };
  await writeFile(settings.CONTAINERS_STORAGE_CONF, await storageConf(folder));
  await writeFile(settings.CONTAINERS_CONF, containersConf(folder));
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: folder, TMPDIR: folder, ...settings };
  const podman = (...args: string[]) => runProgram('podman', args, { env, timeoutMs: TIMEOUT_MS });

  const socket = `unix://${folder}/podman.sock`;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const service = ['podman', 'system', 'service', '--time=0', socket];
  const component = startComponent('podman', ['env', ...variables, ...service], folder);
  const program = await dockerCompose();
  const access = { PATH, HOME: folder, DOCKER_HOST: socket };
  await component.waitUntil('answering', () => runProgram(program, ['ls'], { env: access }).then(() => true));
  return {
    podman,
    compose: (extra, ...args) =>
      runProgram(program, args, { env: { ...access, ...extra }, timeoutMs: TIMEOUT_MS }),
    [Symbol.asyncDispose]: () => component[Symbol.asyncDispose](),
  };
}

/** Containers of its own over the images that there are. */
async function storageConf(folder: string): Promise<string> {
  return `[storage]
driver = "${await storageDriver()}"
graphroot = "${join(folder, 'storage')}"
runroot = "${join(folder, 'run')}"
[storage.options]
additionalimagestores = ["${join(CACHE, 'storage')}"]
`;
}

/** As engine.ts has it, but with logs, which `docker compose logs` shows. */
function containersConf(folder: string): string {
  return `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "${join(folder, 'libpod')}"
[network]
network_config_dir = "${join(folder, 'networks')}"
`;
}
