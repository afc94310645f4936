import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster-handle.ts';

/** kubeadm's label and taint of nodes that hold the control plane. */
export const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

const FILES = ['ca', 'server', 'peer', 'healthcheck-client'].flatMap((name) => [
  `${name}.crt`,
  `${name}.key`,
]);

/** Fills the folder as kubeadm fills /etc/kubernetes/pki/etcd; keys are root's alone. */
export async function writeEtcdPki({ pki }: Cluster, folder: string): Promise<void> {
  if (pki === undefined) throw new Error("kubeadm's etcd has TLS");
  await pki.authority.server({ name: 'peer' });
  await pki.authority.client({ name: 'healthcheck-client', commonName: 'kube-etcd-healthcheck-client' });
  await mkdir(folder, { recursive: true });
  for (const file of FILES) await copyFile(join(pki.folder, file), join(folder, file)); // with its mode
}
