import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { kubernetes } from '../tools.ts';
import type { ApiServer } from './apiserver.ts';
import { type Component, startComponent } from './component.ts';
import type { Machine } from './machine.ts';

export interface KubeletOptions {
  name: string;
  address: string;
  folder: string;
  /** containerd's socket. */
  socket: string;
  cgroup: string;
  taints: { key: string; effect: string }[];
  /** The folder on the machine with the manifests of pods that it starts by itself. */
  staticPods?: string;
}

type Api = Pick<ApiServer, 'authority' | 'kubeconfigFor' | 'kubectl'>;

/** Starts kubelet in the machine and waits until its node is ready for pods. */
export async function startKubelet(machine: Machine, api: Api, options: KubeletOptions): Promise<Component> {
  await using stack = new AsyncDisposableStack();
  const { name, address, folder } = options;
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify(await settings(api, options)));
  const kubeconfig = await api.kubeconfigFor({
    name: `kubelet-${name}`,
    user: `system:node:${name}`,
    group: 'system:nodes',
  });
  const flags = [
    `--config=${config}`,
    `--kubeconfig=${kubeconfig}`,
    `--root-dir=${join(folder, 'root')}`,
    `--cert-dir=${join(folder, 'pki')}`,
    `--hostname-override=${name}`,
    `--node-ip=${address}`,
  ];
  const program = await kubernetes('kubelet');
  const kubelet = stack.use(startComponent('kubelet', machine.inside([program, ...flags]), folder));
  const state = 'jsonpath={.status.conditions[?(@.type=="Ready")].status} {.spec.taints[*].key}';
  await kubelet.waitUntil('ready', async () => {
    const now = await api.kubectl('get', 'node', name, '--output', state);
    return now.startsWith('True') && !now.includes('not-ready');
  });
  stack.move();
  return kubelet;
}

async function settings(api: Api, options: KubeletOptions): Promise<object> {
  const { name, address, folder, socket, cgroup, taints, staticPods } = options;
  const serving = await api.authority.server({ name: `kubelet-serving-${name}`, hosts: [address] });
  const resolvConf = join(folder, 'resolv.conf');
  await writeFile(resolvConf, 'nameserver 127.0.0.1\n'); // the machine may have none
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socket}`,
    address,
    port: await freePort(),
    healthzPort: await freePort(),
    readOnlyPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: api.authority.ca },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: serving.cert,
    tlsPrivateKeyFile: serving.key,
    registerWithTaints: taints,
    ...(staticPods !== undefined && { staticPodPath: staticPods }),
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false, // the default refuses machines with the older layout
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    podLogsDir: join(folder, 'logs'),
    volumePluginDir: join(folder, 'plugins'),
    resolvConf,
    clusterDNS: ['10.96.0.10'],
    imageGCHighThresholdPercent: 100, // never: there is no registry to get them back from
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    maxPods: 50,
  };
}
