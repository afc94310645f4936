import { join } from 'node:path';
import type { ApiServer } from './apiserver.ts';
import { createCgroup } from './cgroup.ts';
import { startContainerd } from './containerd.ts';
import { CONTROL_PLANE } from './kubeadm.ts';
import type { ControlPlanePki } from './kubeadm-files.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { startKubelet } from './kubelet.ts';
import type { Host } from './network.ts';
import { privateSite } from './private.ts';
import { API_PORT } from './static-pods.ts';

/** What the nodes of one control plane have in common. */
export interface ControlPlaneNodes {
  pki: ControlPlanePki;
  /** Other names that images get: that name -> the one that they are imported by. */
  tags: Record<string, string>;
  kubectl: ApiServer['kubectl'];
  /** What the nodes' own are made in. */
  cgroup: string;
}

/** Starts containerd and kubelet, and waits until the node is ready: kubelet starts all else, by the manifests. */
export async function startControlPlaneNode(
  host: Host,
  { pki, tags, kubectl, cgroup }: ControlPlaneNodes,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { name, address, folder, machine } = host;
  const { archives, pause } = privateSite();
  const containerd = stack.use(
    await startContainerd(machine, join(folder, 'containerd'), { archives, pause }),
  );
  for (const [alias, image] of Object.entries(tags)) {
    await host.inside('ctr', '--namespace', 'k8s.io', 'images', 'tag', image, alias);
  }
  await createCgroup(`${cgroup}/${name}`); // it is removed with the one around it
  const api = {
    authority: pki.kubernetes,
    kubectl,
    kubeconfigFor: async ({ name: file, user, group }: Parameters<ApiServer['kubeconfigFor']>[0]) => {
      const who = { name: file, commonName: user, ...(group !== undefined && { organization: group }) };
      const path = join(folder, `${file}.conf`);
      const pair = await pki.kubernetes.client(who);
      await writeKubeconfig(path, {
        server: `https://${address}:${API_PORT}`,
        ca: pki.kubernetes.ca,
        ...pair,
      });
      return path;
    },
  };
  stack.use(
    await startKubelet(machine, api, {
      name,
      address,
      folder: join(folder, 'kubelet'),
      socket: containerd.socket,
      cgroup: `${cgroup}/${name}`,
      taints: [{ key: CONTROL_PLANE, effect: 'NoSchedule' }],
      staticPods: '/etc/kubernetes/manifests',
    }),
  );
  return stack.move();
}
