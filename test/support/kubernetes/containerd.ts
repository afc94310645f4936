import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';
import { startComponent } from './component.ts';
import type { Machine } from './machine.ts';

/** Where its tools look for it; each machine has a /run of its own. */
const SOCKET = '/run/containerd/containerd.sock';

export interface Containerd extends AsyncDisposable {
  readonly socket: string;
}

const IMPORT_TIMEOUT_MS = 120_000;
/** Where Debian's package containernetworking-plugins puts them. */
const CNI_PLUGINS = '/usr/lib/cni';
const POD_NETWORK = '10.244.0.0/24';

/** Starts containerd in the machine with the images of those archives, of which one has the name of `pause`. */
export async function startContainerd(
  machine: Machine,
  folder: string,
  { archives, pause }: { archives: string[]; pause: string },
): Promise<Containerd> {
  await using stack = new AsyncDisposableStack();
  const networks = join(folder, 'networks');
  await mkdir(networks, { recursive: true });
  await writeFile(join(networks, '10-pods.conflist'), JSON.stringify(podNetwork(folder)));
  const config = join(folder, 'containerd.toml');
  await writeFile(config, settings({ folder, networks, pause }));
  const component = stack.use(
    startComponent('containerd', machine.inside(['containerd', '--config', config]), folder),
  );
  const ctr = (...args: string[]) => {
    const [file, ...rest] = machine.inside(['ctr', '--namespace', 'k8s.io', ...args]);
    return runProgram(file, rest, { timeoutMs: IMPORT_TIMEOUT_MS });
  };
  await component.waitUntil('answering', async () => (await ctr('version')) !== '');
  for (const archive of archives) await ctr('images', 'import', archive);
  const owned = stack.move();
  return { socket: SOCKET, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Every pod gets an address and a route to the node, and by it to every address that the node has. */
function podNetwork(folder: string): object {
  const ranges = [[{ subnet: POD_NETWORK }]];
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: join(folder, 'addresses'),
          ranges,
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
}

interface Settings {
  folder: string;
  networks: string;
  pause: string;
}

/**
 * `restrict_oom_score_adj`: where this process may not lower its own score, pods would be refused. Network namespaces
 * are kept where they end with the machine.
 */
function settings({ folder, networks, pause }: Settings): string {
  return `version = 2
root = "${join(folder, 'root')}"
state = "${join(folder, 'state')}"
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pause}"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(folder, 'opt')}"
`;
}
