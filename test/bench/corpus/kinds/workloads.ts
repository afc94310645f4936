import type { Json } from '../api.ts';
import type { Site, Step } from '../site.ts';
import { address, labels, many, name, suffix, uid } from '../text.ts';
import { podSpec } from './pod.ts';

/** Of one writer. */
const DEPLOYMENTS = 6;
const REPLICA_SETS_KEPT = 5;
const MOST_ENDPOINTS = 30;

interface Deployment {
  app: string;
  replicaSets: string[];
}

/** Deployments that are applied, scaled and rolled, with their ReplicaSets and what their Services lead to. */
export function workloads(site: Site): Step {
  const { random } = site;
  const all: Deployment[] = [];
  return async function roll() {
    if (all.length < DEPLOYMENTS) {
      const deployment = { app: `${name(random)}-${suffix(random, 3)}`, replicaSets: [] };
      all.push(deployment);
      await apply(site, deployment);
      await createSlice(site, deployment);
      return replicaSet(site, deployment);
    }
    const deployment = random.pick(all);
    const chance = random.below(20);
    if (chance === 0) return apply(site, deployment);
    if (chance === 1) return replicaSet(site, deployment);
    if (chance < 10) return endpoints(site, deployment);
    return status(site, deployment, chance < 15 ? 'deployments' : 'replicasets');
  };
}

const pathOf = ({ namespace }: Site, resource: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/${resource}`;
const slicesOf = ({ namespace }: Site): string =>
  `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;

/** As a GitOps tool does: it owns what it says. */
async function apply(site: Site, { app }: Deployment): Promise<void> {
  const { api } = site;
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: app,
      labels: labels(app),
      annotations: { 'argocd.argoproj.io/tracking-id': `apps:${app}` },
    },
    spec: { revisionHistoryLimit: REPLICA_SETS_KEPT, ...specOf(site, app) },
  };
  await api.change(`${pathOf(site, 'deployments')}/${app}`, 'argocd-controller', 'apply', deployment);
}

const specOf = ({ random }: Site, app: string): Json => ({
  replicas: 1 + random.below(8),
  selector: { matchLabels: labels(app) },
  template: { metadata: { labels: labels(app) }, spec: podSpec(random, app) },
});

async function replicaSet(site: Site, { app, replicaSets }: Deployment): Promise<void> {
  const { api, random } = site;
  const path = pathOf(site, 'replicasets');
  const created = `${app}-${suffix(random, 10)}`;
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: app, uid: uid(random), controller: true };
  replicaSets.push(created);
  await api.create(path, 'kube-controller-manager', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: created,
      labels: labels(app),
      annotations: { 'deployment.kubernetes.io/revision': String(replicaSets.length) },
      ownerReferences: [owner],
    },
    spec: specOf(site, app),
  });
  if (replicaSets.length > REPLICA_SETS_KEPT) await api.remove(`${path}/${replicaSets.shift()}`);
}

async function status(
  site: Site,
  { app, replicaSets }: Deployment,
  resource: 'deployments' | 'replicasets',
): Promise<void> {
  const { api, random, time } = site;
  const counts = { replicas: 9, readyReplicas: random.below(9), availableReplicas: 0, observedGeneration: 1 };
  const available = {
    type: 'Available',
    status: 'True',
    reason: 'MinimumReplicasAvailable',
    message: 'Deployment has minimum availability.',
    lastUpdateTime: time(),
    lastTransitionTime: time(),
  };
  const isDeployment = resource === 'deployments';
  const object = isDeployment ? app : replicaSets.at(-1);
  await api.change(`${pathOf(site, resource)}/${object}/status`, 'kube-controller-manager', 'strategic', {
    status: isDeployment ? { ...counts, conditions: [available] } : counts,
  });
}

const createSlice = (site: Site, { app }: Deployment): Promise<void> =>
  site.api.create(slicesOf(site), 'kube-controller-manager', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: app, labels: { ...labels(app), 'kubernetes.io/service-name': app } },
    addressType: 'IPv4',
    endpoints: [],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  });

async function endpoints(site: Site, { app }: Deployment): Promise<void> {
  const { api, random, nodes } = site;
  const ready = random.below(8) !== 0;
  const found = many(1 + random.below(MOST_ENDPOINTS), () => ({
    addresses: [address(random)],
    conditions: { ready, serving: ready, terminating: false },
    nodeName: random.pick(nodes),
    targetRef: { kind: 'Pod', name: `${app}-${suffix(random)}`, uid: uid(random) },
    zone: 'eu-1a',
  }));
  await api.change(`${slicesOf(site)}/${app}`, 'kube-controller-manager', 'merge', { endpoints: found });
}
