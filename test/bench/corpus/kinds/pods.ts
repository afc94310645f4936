import type { Json } from '../api.ts';
import type { Site, Step } from '../site.ts';
import { address, digest, hex, image, name, suffix } from '../text.ts';
import { podOf } from './pod.ts';

/** Of one writer. */
const PODS = 25;

/** What happens to a pod from its creation on, one write after another. */
const LIFE = ['bind', 'annotate', 'pull', 'run', 'change', 'remove', 'stop', 'forget'] as const;
type Stage = (typeof LIFE)[number];
/** In which the kubelet writes its status. */
type Reported = Extract<Stage, 'pull' | 'run' | 'change' | 'stop'>;

interface Pod {
  path: string;
  app: string;
  ip: string;
  hostIP: string;
  containers: { name: string; image: string; imageID: string; containerID: string }[];
  next: number;
  restarts: number;
  started: string;
}

/** Pods that come and go: written by a controller, the scheduler, a network plugin and the kubelet, as in a cluster. */
export function pods(site: Site): Step {
  const { random } = site;
  const all: Pod[] = [];
  return async function live() {
    if (all.length < PODS && random.below(2) === 0) all.push(await create(site));
    else if (all.length > 0) await goOn(site, all, random.below(all.length));
    else all.push(await create(site));
  };
}

async function create({ api, random, namespace, time }: Site): Promise<Pod> {
  const app = name(random);
  const pod = `${app}-${suffix(random, 10)}-${suffix(random)}`;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await api.create(path, 'kube-controller-manager', podOf(random, pod, app));
  const containers = [app, 'proxy'].map((container) => ({
    name: container,
    image: image(random),
    imageID: `registry.example.com/${container}@${digest(random)}`,
    containerID: `containerd://${hex(random, 64)}`,
  }));
  const addresses = { ip: address(random), hostIP: address(random) };
  return { path: `${path}/${pod}`, app, ...addresses, containers, next: 0, restarts: 0, started: time() };
}

async function goOn(site: Site, all: Pod[], index: number): Promise<void> {
  const pod = all[index];
  const stage = pod && LIFE[pod.next];
  if (pod === undefined || stage === undefined) throw new Error('a pod after its end');
  // Half of the changes are followed by another: probes fail, containers start anew.
  if (stage !== 'change' || site.random.below(2) === 0) pod.next += 1;
  if (stage === 'change') pod.restarts += 1;
  if (stage === 'forget') all.splice(index, 1);
  await write(site, pod, stage);
}

async function write(site: Site, pod: Pod, stage: Stage): Promise<void> {
  const { api, random, nodes } = site;
  const { path, ip } = pod;
  switch (stage) {
    case 'bind': {
      const target = { apiVersion: 'v1', kind: 'Node', name: random.pick(nodes) };
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: path.split('/').at(-1) },
        target,
      };
      return api.create(`${path}/binding`, 'kube-scheduler', binding);
    }
    case 'annotate': {
      const annotations = {
        'cni.projectcalico.org/containerID': hex(random, 64),
        'cni.projectcalico.org/podIP': `${ip}/32`,
        'cni.projectcalico.org/podIPs': `${ip}/32`,
      };
      return api.change(path, 'calico', 'strategic', { metadata: { annotations } });
    }
    case 'remove':
      return api.remove(path);
    case 'forget':
      return api.remove(path, 0);
    case 'pull':
    case 'run':
    case 'change':
    case 'stop':
      return api.change(`${path}/status`, 'kubelet', 'strategic', { status: statusOf(site, pod, stage) });
  }
}

/** As the kubelet writes it. */
function statusOf({ time }: Site, pod: Pod, stage: Reported): Json {
  const now = time();
  const ready = stage === 'run' || (stage === 'change' && pod.restarts % 2 === 0);
  const isWaiting = stage === 'pull';
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: now,
    ...(!holds && {
      reason: 'ContainersNotReady',
      message: `containers with unready status: [${pod.app} proxy]`,
    }),
  });
  return {
    phase: isWaiting ? 'Pending' : stage === 'stop' ? 'Succeeded' : 'Running',
    startTime: pod.started,
    hostIP: pod.hostIP,
    ...(!isWaiting && { podIP: pod.ip, podIPs: [{ ip: pod.ip }] }),
    qosClass: 'Burstable',
    conditions: [
      condition('PodReadyToStartContainers', stage !== 'stop'),
      condition('Initialized', !isWaiting),
      condition('Ready', ready),
      condition('ContainersReady', ready),
    ],
    containerStatuses: containersOf(pod, stage, { now, ready }),
  };
}

function containersOf(
  { containers, restarts, started }: Pod,
  stage: Reported,
  { now, ready }: { now: string; ready: boolean },
): Json[] {
  return containers.map(({ imageID, containerID, ...named }) => {
    const ended = { containerID, exitCode: 0, reason: 'Completed', startedAt: started, finishedAt: now };
    const killed = { ...ended, exitCode: 137, reason: 'OOMKilled' };
    const own = { ...named, ready, started: ready, restartCount: restarts };
    if (stage === 'pull') return { ...own, imageID: '', state: { waiting: { reason: 'PodInitializing' } } };
    return {
      ...own,
      imageID,
      containerID,
      state: stage === 'stop' ? { terminated: ended } : { running: { startedAt: now } },
      lastState: restarts === 0 ? {} : { terminated: killed },
    };
  });
}
