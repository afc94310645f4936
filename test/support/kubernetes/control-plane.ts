import { join } from 'node:path';
import { runEtcdctl } from '../etcdctl.ts';
import { type Authority, createAuthority } from '../pki.ts';
import { plainEnv, runProgram } from '../run-program.ts';
import { scratchFolder } from '../scratch-folder.ts';
import { kubernetes } from '../tools.ts';
import { adopt } from './adopt.ts';
import type { ApiServer } from './apiserver.ts';
import { createCgroup } from './cgroup.ts';
import { startControlPlaneNode } from './control-plane-node.ts';
import { CONTROL_PLANE } from './kubeadm.ts';
import { type ControlPlanePki, writeKubeadmFiles } from './kubeadm-files.ts';
import type { Host, Network } from './network.ts';
import { privateSite } from './private.ts';
import { API_PORT, writeStaticPods } from './static-pods.ts';

export interface ControlPlaneOptions {
  /** Of the nodes; the first one is 10.0.0.1 and called cp-1. */
  size: number;
  /** The image of etcd on the nodes, which is there already. */
  image: string;
  /** Other names that images get on the nodes: that name -> the one that they are imported by. */
  tags: Record<string, string>;
  /** An etcd outside of the nodes. */
  etcd?: { endpoints: string; authority: Authority };
  /** The folder for the nodes' own, which bear their names; one of its own when left out. */
  folder?: string;
}

/** Kubernetes as kubeadm sets it up: on each machine kubelet starts etcd and the control plane as static pods. */
export interface ControlPlane
  extends Pick<ApiServer, 'env' | 'kubectl' | 'kubectlWithInput'>,
    AsyncDisposable {
  readonly hosts: Host[];
  /** The API server of the first node. */
  readonly url: string;
  readonly authority: Authority;
  etcdctl(...args: string[]): Promise<string>;
}

/** Where `ctr run` puts its containers, whatever kubelet does. */
const CTR_CGROUP = 'k8s.io';

/** Starts it and waits until every node is ready. */
export async function startControlPlane(
  network: Network,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack();
  const { cgroup } = privateSite();
  const folder = options.folder ?? stack.use(await scratchFolder('control-plane')).path;
  const pki = await createPki(folder, options);
  const names = Array.from({ length: options.size }, (_, index) => ({
    name: `cp-${index + 1}`,
    address: `10.0.0.${index + 1}`,
  }));
  const initialCluster = names.map(({ name, address }) => `${name}=https://${address}:2380`).join(',');
  const image = options.image;
  stack.use(await createCgroup(cgroup));
  stack.use(await createCgroup(CTR_CGROUP));

  const hosts: Host[] = [];
  for (const { name, address } of names) {
    const own = join(folder, name);
    const folders = {
      '/etc/kubernetes': join(own, 'kubernetes'),
      '/var/backups': join(own, 'backups'),
      '/var/restore': join(own, 'restore'),
    };
    const host = stack.use(await network.addHost({ name, address, folder: own, folders }));
    await writeKubeadmFiles(folders['/etc/kubernetes'], host, pki);
    const etcd = options.etcd ?? { image, initialCluster };
    await writeStaticPods(folders['/etc/kubernetes'], { name, address, etcd, image });
    hosts.push(host);
  }
  const kubectl = await kubernetes('kubectl');
  const env = plainEnv({ HOME: folder, KUBECONFIG: join(folder, 'cp-1/kubernetes/admin.conf') });
  const ask = (...args: string[]) => runProgram(kubectl, args, { env, timeoutMs: 180_000 });
  const common = { pki, tags: options.tags, kubectl: ask, cgroup };
  await Promise.all(hosts.map((host) => adopt(stack, startControlPlaneNode(host, common))));
  await ask('label', 'node', '--all', `${CONTROL_PLANE}=`);
  await ask('wait', '--for=create', 'serviceaccount/default', '--timeout=60s');

  const tls = { ca: pki.etcd.ca, ...(await pki.etcd.client({ name: 'test' })) };
  const endpoints =
    options.etcd?.endpoints ?? hosts.map(({ address }) => `https://${address}:2379`).join(',');
  const owned = stack.move();
  return {
    hosts,
    env,
    url: `https://${names[0]?.address}:${API_PORT}`,
    authority: pki.kubernetes,
    kubectl: ask,
    kubectlWithInput: (input, ...args) => runProgram(kubectl, args, { env, input, timeoutMs: 180_000 }),
    etcdctl: (...args) => runEtcdctl(endpoints.split(','), { tls }, args),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function createPki(folder: string, { etcd }: ControlPlaneOptions): Promise<ControlPlanePki> {
  const authority = await createAuthority(join(folder, 'pki'), 'kubernetes');
  return {
    kubernetes: authority,
    etcd: etcd?.authority ?? (await createAuthority(join(folder, 'etcd-pki'))),
    tokens: await authority.client({ name: 'service-accounts' }),
  };
}
