import type { Random } from '../../../support/random.ts';
import type { Json } from '../api.ts';
import type { Site, Step } from '../site.ts';
import { address, digest, image, many, uid } from '../text.ts';

const IMAGES = 50;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

/** Their heartbeats: small, and what an idle cluster writes most. */
export const leases = ({ api, random, ownNodes, time }: Site): Step =>
  async function renew() {
    const patch = { spec: { renewTime: time().replace('Z', `.${100_000 + random.below(900_000)}Z`) } };
    await api.change(`${LEASES}/${random.pick(ownNodes)}`, 'kubelet', 'merge', patch);
  };

/** Their status, with the images that they have: one of the largest objects that is written regularly. */
export const nodeStatus = ({ api, random, ownNodes, time }: Site): Step =>
  async function report() {
    const status = {
      conditions: conditions(time()),
      ...(random.below(4) === 0 && { images: images(random) }),
    };
    await api.change(`/api/v1/nodes/${random.pick(ownNodes)}/status`, 'kubelet', 'strategic', { status });
  };

export async function createNode({ api, random, time }: Site, node: string): Promise<void> {
  await api.create('/api/v1/nodes', 'kubelet', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node,
      labels: {
        'kubernetes.io/hostname': node,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/region': 'eu-1',
        'topology.kubernetes.io/zone': `eu-1${random.pick(['a', 'b', 'c'])}`,
        'node.kubernetes.io/instance-type': 'm5.2xlarge',
      },
      annotations: {
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
      },
    },
    spec: {
      podCIDR: `10.${random.below(200)}.${random.below(200)}.0/24`,
      providerID: `cloud:///${uid(random)}`,
    },
  });
  await api.change(`/api/v1/nodes/${node}/status`, 'kubelet', 'strategic', {
    status: wholeStatus(random, time()),
  });
  await api.create(LEASES, 'kubelet', {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: node, namespace: 'kube-node-lease' },
    spec: { holderIdentity: node, leaseDurationSeconds: 40 },
  });
}

function wholeStatus(random: Random, time: string): Json {
  const resources = { cpu: '8', memory: '32519480Ki', pods: '110', 'ephemeral-storage': '101430960Ki' };
  return {
    addresses: [{ type: 'InternalIP', address: address(random) }],
    capacity: resources,
    allocatable: resources,
    conditions: conditions(time),
    images: images(random),
    nodeInfo: {
      architecture: 'amd64',
      bootID: uid(random),
      containerRuntimeVersion: 'containerd://2.1.4',
      kernelVersion: '6.8.0-1031-cloud',
      kubeProxyVersion: '',
      kubeletVersion: 'v1.36.3',
      machineID: uid(random),
      operatingSystem: 'linux',
      osImage: 'Debian GNU/Linux 12 (bookworm)',
      systemUUID: uid(random),
    },
  };
}

const images = (random: Random): Json[] =>
  many(IMAGES, () => {
    const tagged = image(random);
    const names = [`${tagged.split(':')[0]}@${digest(random)}`, tagged];
    return { names, sizeBytes: 10_000_000 + random.below(900_000_000) };
  });

function conditions(time: string): Json[] {
  const kinds = {
    MemoryPressure: ['False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    DiskPressure: ['False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    PIDPressure: ['False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    Ready: ['True', 'KubeletReady', 'kubelet is posting ready status'],
  };
  return Object.entries(kinds).map(([type, [value, reason, message]]) => ({
    type,
    status: value,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }));
}
