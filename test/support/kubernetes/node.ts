import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster-handle.ts';
import { type ClusterOptions, startCluster } from '../etcd-cluster.ts';
import { runProgram } from '../run-program.ts';
import { scratchFolder } from '../scratch-folder.ts';
import { REPOSITORY } from '../repository.ts';
import { adopt } from './adopt.ts';
import { type ApiServer, startApiServer } from './apiserver.ts';
import { createCgroup } from './cgroup.ts';
import { startContainerd } from './containerd.ts';
import { startControllers } from './controllers.ts';
import { CONTROL_PLANE, writeEtcdPki } from './kubeadm.ts';
import { startKubelet } from './kubelet.ts';
import { startMachine } from './machine.ts';
import { privateSite } from './private.ts';

export interface NodeOptions {
  /** Of the etcd that Kubernetes lives in: one member with TLS on port 2379. */
  etcd?: Omit<ClusterOptions, 'tls' | 'size' | 'host' | 'clientPort'>;
  /** More flags of kube-apiserver, say `--etcd-compaction-interval=10s`. */
  apiServerArgs?: string[];
  /** `false`: without the taint that keeps ordinary pods off the control plane. */
  taint?: boolean;
  /** `true`: the image of kube-apiserver is on it too. */
  kubeApiServerImage?: boolean;
}

/** Kubernetes on one control-plane node, laid out as kubeadm does it. */
export interface Node
  extends Pick<ApiServer, 'kubeconfig' | 'env' | 'kubectl' | 'kubectlWithInput'>,
    AsyncDisposable {
  readonly name: string;
  /** Pods of the pod network reach it, and whatever listens on it. */
  readonly address: string;
  readonly etcd: Cluster;
  readonly api: ApiServer;
  /** The node's /etc/kubernetes/pki/etcd. */
  readonly etcdPki: string;
  /** The node's /var/backups; backups lie in `etcd-upkeep` in there. */
  readonly backups: string;
  /** Holds all files of the node. */
  readonly folder: string;
  /** Makes a folder on disk that has the same path on the node, say for a `local` volume. */
  makeFolder(name: string): Promise<string>;
  /** Runs a command among the node's processes and mounts. */
  inside(file: string, ...args: string[]): Promise<string>;
  /** The last lines of kubelet's log. */
  log(lines?: number): Promise<string>;
}

const ETCD_PORT = 2379;
const NAME = 'control-plane-1';

/** Starts it and waits until pods can run. One at a time, and only where `npm run test:e2e` runs its tests. */
export async function startNode(options: NodeOptions = {}): Promise<Node> {
  await using stack = new AsyncDisposableStack();
  const { cgroup, address, archives: common, kubeApiServer, pause } = privateSite();
  const archives = options.kubeApiServerImage ? [...common, kubeApiServer] : common;
  const { path: folder } = stack.use(await scratchFolder('node'));
  const etcdPki = join(folder, 'kubernetes/pki/etcd');
  // What a pod writes into a file system in memory counts as memory of the pod, and kills it.
  const { path: disk } = stack.use(await scratchFolder('volumes', join(REPOSITORY, '.cache')));
  const backups = join(disk, 'backups');
  await mkdir(backups);
  const etcd = stack.use(await startCluster({ ...options.etcd, tls: true, clientPort: ETCD_PORT }));
  await writeEtcdPki(etcd, etcdPki);
  stack.use(await createCgroup(cgroup));
  const machine = stack.use(
    await startMachine({
      folder: join(folder, 'machine'),
      folders: { '/etc/kubernetes': join(folder, 'kubernetes'), '/var/backups': backups },
    }),
  );
  const [api, containerd] = await Promise.all([
    adopt(stack, startApiServer({ etcd, extraArgs: options.apiServerArgs ?? [] })),
    adopt(stack, startContainerd(machine, join(folder, 'containerd'), { archives, pause })),
  ]);
  stack.use(await startControllers(api));
  const taints = (options.taint ?? true) ? [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] : [];
  const kubelet = stack.use(
    await startKubelet(machine, api, {
      name: NAME,
      address,
      folder: join(folder, 'kubelet'),
      socket: containerd.socket,
      cgroup,
      taints,
    }),
  );
  await api.kubectl('label', 'node', NAME, `${CONTROL_PLANE}=`);
  await api.kubectl('wait', '--for=create', 'serviceaccount/default', '--timeout=60s');
  const owned = stack.move();
  return {
    name: NAME,
    address,
    etcd,
    api,
    kubeconfig: api.kubeconfig,
    env: api.env,
    kubectl: (...args) => api.kubectl(...args),
    kubectlWithInput: (input, ...args) => api.kubectlWithInput(input, ...args),
    etcdPki,
    backups,
    folder,
    makeFolder: async (name) => {
      const path = join(disk, 'folders', name);
      await mkdir(path, { recursive: true });
      return path;
    },
    inside: (file, ...args) => {
      const [program, ...rest] = machine.inside([file, ...args]);
      return runProgram(program, rest);
    },
    log: (lines) => kubelet.log(lines),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
