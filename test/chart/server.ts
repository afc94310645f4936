import { startCluster } from '../support/etcd-cluster.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/apiserver.ts';
import { runProgram } from '../support/run-program.ts';
import { helm, type HelmVersion } from '../support/tools.ts';
import type { Manifest } from './chart.ts';
import { addPrometheusRules } from './prometheus-operator.ts';

/** A real kube-apiserver for what the chart makes. Nothing runs there: it has no controllers and no node. */
export interface Server extends AsyncDisposable {
  readonly api: ApiServer;
  /** Runs helm there and returns its stdout. */
  helm(version: HelmVersion, namespace: string, ...args: string[]): Promise<string>;
  /** Every object in a namespace, and none of helm's own. */
  objectsIn(namespace: string): Promise<Stored[]>;
}

/** An object as the API server keeps it. */
export interface Stored extends Manifest {
  metadata: Manifest['metadata'] & { uid: string; resourceVersion: string; generation?: number };
}

export async function startServer(extraArgs: string[] = []): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster());
  const api = stack.use(await startApiServer({ etcd: cluster, extraArgs }));
  await addPrometheusRules(api);
  const resources = await api.kubectl('api-resources', '--namespaced', '--verbs=list', '--output=name');
  const kinds = resources
    .trim()
    .split('\n')
    .filter((kind) => !kind.startsWith('events'))
    .join(',');
  const owned = stack.move();
  return {
    api,
    helm: async (version, namespace, ...args) =>
      runProgram(await helm(version), [...args, '--namespace', namespace], { env: api.env }),
    objectsIn: async (namespace) => {
      const list = await api.kubectl('--namespace', namespace, 'get', kinds, '--output=json');
      const items: (Stored & { type?: string })[] = JSON.parse(list).items;
      return items.filter(({ type }) => type !== 'helm.sh/release.v1');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export const identity = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`;

/** Makes those that are missing. */
export async function makeNamespaces(api: ApiServer, ...names: string[]): Promise<void> {
  const items = names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const list = { apiVersion: 'v1', kind: 'List', items };
  await api.kubectlWithInput(JSON.stringify(list), 'apply', '--server-side', '--filename=-');
}
