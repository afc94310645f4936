import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority, KeyPair } from '../pki.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { API_PORT } from './static-pods.ts';

/** The two CAs of a control plane, and what its API servers sign tokens with. */
export interface ControlPlanePki {
  kubernetes: Authority;
  etcd: Authority;
  tokens: KeyPair;
}

/** Kubeconfigs of kubeadm: the name of the file -> who it is for. */
const KUBECONFIGS = {
  'admin.conf': { user: 'kubernetes-admin', group: 'system:masters' },
  'controller-manager.conf': { user: 'system:kube-controller-manager', group: '' },
  'scheduler.conf': { user: 'system:kube-scheduler', group: '' },
};
const SERVICE_ADDRESS = '10.96.0.1';

/** Fills the folder that is a node's /etc/kubernetes with kubeadm's certificates and kubeconfigs. */
export async function writeKubeadmFiles(
  folder: string,
  { name, address }: { name: string; address: string },
  { kubernetes, etcd, tokens }: ControlPlanePki,
): Promise<void> {
  const pki = join(folder, 'pki');
  await mkdir(join(pki, 'etcd'), { recursive: true });
  const put = async ({ cert, key }: KeyPair, as: string) => {
    await copyFile(cert, join(pki, `${as}.crt`)); // with its mode
    await copyFile(key, join(pki, `${as}.key`));
  };
  const hosts = [address, '127.0.0.1', 'localhost', name];
  const masters = { organization: 'system:masters' };
  await copyFile(kubernetes.ca, join(pki, 'ca.crt'));
  await copyFile(etcd.ca, join(pki, 'etcd/ca.crt'));
  await put(
    await kubernetes.server({ name: `${name}-apiserver`, hosts: [...hosts, SERVICE_ADDRESS] }),
    'apiserver',
  );
  await put(
    await kubernetes.client({ name: `${name}-kubelet-client`, ...masters }),
    'apiserver-kubelet-client',
  );
  await put(await etcd.client({ name: `${name}-apiserver` }), 'apiserver-etcd-client');
  await put(await etcd.client({ name: `${name}-healthcheck` }), 'etcd/healthcheck-client');
  for (const one of ['server', 'peer'])
    await put(await etcd.server({ name: `${name}-${one}`, hosts }), `etcd/${one}`);
  await put(tokens, 'sa');
  for (const [file, { user, group }] of Object.entries(KUBECONFIGS)) {
    const who = { name: `${name}-${file}`, commonName: user, ...(group !== '' && { organization: group }) };
    const pair = await kubernetes.client(who);
    await writeKubeconfig(join(folder, file), {
      server: `https://${address}:${API_PORT}`,
      ca: kubernetes.ca,
      ...pair,
    });
  }
}
