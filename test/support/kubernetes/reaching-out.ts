import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Cluster } from '../cluster-handle.ts';
import { freePort } from '../free-port.ts';
import { apiServiceOf, definitionOf, type Stored, store } from './stored-objects.ts';

/** What a cluster's data can make an API server call. */
export const CALLS = [
  'APIService by name',
  'APIService by address',
  'validating webhook',
  'mutating webhook',
  'conversion webhook',
  'kubelet',
  'proxy to a node',
  'proxy to a Service',
  'proxy to a pod',
] as const;
type Call = (typeof CALLS)[number];

/** Of this machine: to an address of loopback no API server proxies. */
const ADDRESS =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';

/** One listener for each of them. */
export interface Listeners extends AsyncDisposable {
  port(call: Call): number;
  /** Who was called so far. */
  called(): Call[];
}

export async function listenForCalls(): Promise<Listeners> {
  const called = new Set<Call>();
  const ports = new Map<Call, number>();
  const servers: Server[] = [];
  for (const call of CALLS) {
    const server = createServer((socket) => {
      called.add(call);
      socket.on('error', () => {}); // the caller may go first
      socket.destroy();
    });
    const port = await freePort();
    await once(server.listen(port, ADDRESS), 'listening');
    ports.set(call, port);
    servers.push(server);
  }
  return {
    port: (call) => ports.get(call) ?? 0,
    called: () => CALLS.filter((call) => called.has(call)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => once(server.close(), 'close')));
    },
  };
}

export const NAMESPACE = 'calls';
export const GROUP = 'calls.example.com';
const RULES = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }];

/** Writes them into etcd itself: an API server that takes them would call the first of them at once. */
export async function storeCalls(etcd: Cluster, listeners: Listeners): Promise<void> {
  const port = (call: Call) => listeners.port(call);
  const url = (call: Call) => `https://${ADDRESS}:${port(call)}/`;
  const put = (key: string, object: Stored) => store(etcd, key, object);
  await put(`namespaces/${NAMESPACE}`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE },
  });
  await put(`services/specs/${NAMESPACE}/by-name`, {
    ...object('v1', 'Service', 'by-name'),
    spec: { type: 'ExternalName', externalName: ADDRESS },
  });
  const byAddress = port('APIService by address');
  await put(`services/specs/${NAMESPACE}/by-address`, {
    ...object('v1', 'Service', 'by-address'),
    spec: { type: 'ClusterIP', clusterIP: ADDRESS, clusterIPs: [ADDRESS], ports: [{ port: byAddress }] },
  });
  for (const [name, at] of [
    ['by-name', port('APIService by name')],
    ['by-address', byAddress],
  ] as const)
    await put(...apiServiceOf(`${name}.example.com`, { namespace: NAMESPACE, name, port: at }));
  for (const kind of ['validating', 'mutating'] as const)
    await put(`${kind}webhookconfigurations/calls`, webhooks(kind, url(`${kind} webhook`)));
  // The object is stored in the older version, and clients prefer the newer one.
  await put(
    ...definitionOf({ group: GROUP, plural: 'gears', kind: 'Gear', converter: url('conversion webhook') }),
  );
  await put(`${GROUP}/gears/${NAMESPACE}/one`, object(`${GROUP}/v1`, 'Gear', 'one'));
  await put('minions/node', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node' },
    status: {
      addresses: [{ type: 'InternalIP', address: ADDRESS }],
      daemonEndpoints: { kubeletEndpoint: { Port: port('kubelet') } },
    },
  });
  await put(`pods/${NAMESPACE}/pod`, {
    ...object('v1', 'Pod', 'pod'),
    spec: { nodeName: 'node', containers: [{ name: 'one', image: 'none' }] },
    status: { phase: 'Running', podIP: ADDRESS, podIPs: [{ ip: ADDRESS }] },
  });
  await put(`services/specs/${NAMESPACE}/proxied`, {
    ...object('v1', 'Service', 'proxied'),
    spec: { type: 'ClusterIP', clusterIP: 'None', ports: [{ port: port('proxy to a Service') }] },
  });
  await put(`services/endpoints/${NAMESPACE}/proxied`, {
    ...object('v1', 'Endpoints', 'proxied'),
    subsets: [
      {
        addresses: [{ ip: ADDRESS, targetRef: { kind: 'Pod', namespace: NAMESPACE, name: 'pod' } }],
        ports: [{ port: port('proxy to a Service') }],
      },
    ],
  });
}

const object = (apiVersion: string, kind: string, name: string) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: NAMESPACE },
});

function webhooks(kind: 'validating' | 'mutating', url: string): Stored {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind === 'validating' ? 'Validating' : 'Mutating'}WebhookConfiguration`,
    metadata: { name: 'calls' },
    webhooks: [
      {
        name: 'calls.example.com',
        clientConfig: { url },
        rules: RULES,
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        timeoutSeconds: 1,
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
