import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type KubernetesProgram, kubernetes } from '../tools.ts';
import { apiServerFlags, controllerManagerFlags } from './flags.ts';

/** kubeadm's static pods of one control-plane node, with its names, paths and flags; without probes and requests, and quick to end. */

export interface StaticPods {
  /** The node. */
  name: string;
  address: string;
  /** Of the node's etcd; the URLs of another one. */
  etcd: { image: string; initialCluster: string } | { endpoints: string };
  /** Whatever image: the programs of Kubernetes come from this machine. */
  image: string;
}

interface Container {
  command: string[];
  image: string;
  /** Path on the node -> path in the container; a folder of that name is made where there is none. */
  mounts: Record<string, string>;
  files?: Record<string, string>;
}

export const API_PORT = 6443;
const PKI = '/etc/kubernetes/pki';
const MANIFESTS = 'manifests';
/** A third of the defaults: how long nobody does the work of the one that was stopped. */
const ELECTION = ['lease-duration=5s', 'renew-deadline=4s', 'retry-period=1s'].map(
  (setting) => `--leader-elect-${setting}`,
);

/** Fills the folder that is the node's /etc/kubernetes; kubelet has to look into `manifests` in it. */
export async function writeStaticPods(folder: string, pods: StaticPods): Promise<void> {
  await mkdir(join(folder, MANIFESTS), { recursive: true });
  const containers = {
    ...('image' in pods.etcd && { etcd: etcdContainer(pods, pods.etcd) }),
    'kube-apiserver': await program('kube-apiserver', pods, apiServer(pods)),
    'kube-controller-manager': await program('kube-controller-manager', pods, [
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      ...ELECTION,
      ...controllerManagerFlags({ tokenKey: `${PKI}/sa.key`, ca: `${PKI}/ca.crt` }),
    ]),
    'kube-scheduler': await program('kube-scheduler', pods, [
      '--kubeconfig=/etc/kubernetes/scheduler.conf',
      ...ELECTION,
    ]),
  };
  for (const [name, container] of Object.entries(containers)) {
    await writeFile(join(folder, MANIFESTS, `${name}.yaml`), manifest(name, container), { mode: 0o600 });
  }
}

function etcdContainer(
  { name, address }: StaticPods,
  { image, initialCluster }: { image: string; initialCluster: string },
): Container {
  const flags = {
    'advertise-client-urls': `https://${address}:2379`,
    'cert-file': `${PKI}/etcd/server.crt`,
    'client-cert-auth': 'true',
    'data-dir': '/var/lib/etcd',
    'feature-gates': 'InitialCorruptCheck=true',
    'initial-advertise-peer-urls': `https://${address}:2380`,
    'initial-cluster': initialCluster,
    'key-file': `${PKI}/etcd/server.key`,
    'listen-client-urls': `https://127.0.0.1:2379,https://${address}:2379`,
    'listen-metrics-urls': 'http://127.0.0.1:2381',
    'listen-peer-urls': `https://${address}:2380`,
    name,
    'peer-cert-file': `${PKI}/etcd/peer.crt`,
    'peer-client-cert-auth': 'true',
    'peer-key-file': `${PKI}/etcd/peer.key`,
    'peer-trusted-ca-file': `${PKI}/etcd/ca.crt`,
    'snapshot-count': '10000',
    'trusted-ca-file': `${PKI}/etcd/ca.crt`,
    'watch-progress-notify-interval': '5s',
  };
  return {
    command: ['etcd', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
    image,
    mounts: { '/var/lib/etcd': '/var/lib/etcd', [`${PKI}/etcd`]: `${PKI}/etcd` },
  };
}

function apiServer({ address, etcd }: StaticPods): string[] {
  const pair = (name: string) => ({ cert: `${PKI}/${name}.crt`, key: `${PKI}/${name}.key` });
  return apiServerFlags({
    etcd: {
      endpoints: 'endpoints' in etcd ? etcd.endpoints : 'https://127.0.0.1:2379',
      tls: { ca: `${PKI}/etcd/ca.crt`, ...pair('apiserver-etcd-client') },
    },
    bind: '0.0.0.0',
    advertise: address,
    port: API_PORT,
    ca: `${PKI}/ca.crt`,
    serving: pair('apiserver'),
    tokens: pair('sa'),
    kubeletClient: pair('apiserver-kubelet-client'),
  });
}

async function program(name: KubernetesProgram, { image }: StaticPods, flags: string[]): Promise<Container> {
  const path = `/usr/local/bin/${name}`;
  return {
    command: [path, ...flags],
    image,
    mounts: { '/etc/kubernetes': '/etc/kubernetes' },
    files: { [await kubernetes(name)]: path },
  };
}

/** As kubeadm writes it: lists are not indented, and no line is folded. */
function manifest(name: string, { command, image, mounts, files = {} }: Container): string {
  const all = [
    ...Object.entries(mounts).map(([from, to]) => ({ from, to, type: 'DirectoryOrCreate' })),
    ...Object.entries(files).map(([from, to]) => ({ from, to, type: 'File' })),
  ].map((mount, index) => ({ ...mount, name: `mount-${index}` }));
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { labels: { component: name, tier: 'control-plane' }, name, namespace: 'kube-system' },
    spec: {
      containers: [
        {
          command,
          image,
          imagePullPolicy: 'IfNotPresent',
          name,
          volumeMounts: all.map(({ to, ...mount }) => ({ mountPath: to, name: mount.name })),
        },
      ],
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      // kube-apiserver waits for its watchers for as long as it may, by default half a minute.
      terminationGracePeriodSeconds: 5,
      volumes: all.map(({ from, type, ...mount }) => ({ hostPath: { path: from, type }, name: mount.name })),
    },
  };
  return stringify(pod, { indentSeq: false, lineWidth: 0 });
}
