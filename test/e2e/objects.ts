import { readFile } from 'node:fs/promises';
import type { Cluster } from '../support/etcd-cluster.ts';
import { CONTROL_PLANE } from '../support/kubernetes/kubeadm.ts';

/** Objects that an operator makes before the chart is installed. */

/** A namespace that enforces a level of Pod Security. */
export function namespaceOf(name: string, level: 'restricted' | 'baseline' | 'privileged'): object {
  const labels = { 'pod-security.kubernetes.io/enforce': level };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** A volume of the storage class `local` in a folder of the node. kubelet takes fsGroup seriously on it. */
export function localVolume(name: string, path: string): object {
  const expression = { key: CONTROL_PLANE, operator: 'Exists' };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      capacity: { storage: '1Gi' },
      persistentVolumeReclaimPolicy: 'Retain',
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
    },
  };
}

/** A claim that only such a volume fits. */
export function claimOf(namespace: string, name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      resources: { requests: { storage: '1Gi' } },
    },
  };
}

/** The Secret with what a client of that etcd needs, under the names that the chart expects. */
export async function secretOf(namespace: string, name: string, { access }: Cluster): Promise<object> {
  const { tls } = access;
  if (tls === undefined) throw new Error('that etcd has no certificates');
  const files = { 'ca.crt': tls.ca, 'tls.crt': tls.cert, 'tls.key': tls.key };
  const stringData: Record<string, string> = {};
  for (const [key, path] of Object.entries(files)) stringData[key] = await readFile(path, 'utf8');
  return secret(namespace, name, stringData);
}

export function secret(namespace: string, name: string, stringData: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData };
}
