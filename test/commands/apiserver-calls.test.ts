import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import {
  CALLS,
  GROUP,
  type Listeners,
  listenForCalls,
  NAMESPACE,
  storeCalls,
} from '../support/kubernetes/reaching-out.ts';
import { type ScratchApiServer, startScratchApiServer } from '../support/kubernetes/scratch-apiserver.ts';

let etcd: Cluster;

before(async () => {
  etcd = await startCluster();
});

after(() => etcd[Symbol.asyncDispose]());

const raw = (path: string) => ['get', '--raw', path];

/** Whatever leads an API server to one of them, with what came of it. None of it works, since nobody answers there. */
async function useAll(api: ScratchApiServer, listeners: Listeners): Promise<string> {
  const core = `/api/v1/namespaces/${NAMESPACE}`;
  const at = (name: (typeof CALLS)[number]) => listeners.port(name);
  const inNamespace = `--namespace=${NAMESPACE}`;
  const commands = [
    ['get', '--all-namespaces', `gears.v2.${GROUP}`],
    ...['by-name', 'by-address'].map((name) => raw(`/apis/${name}.example.com/v1/things`)),
    raw(`/api/v1/nodes/node:${at('proxy to a node')}/proxy/pods`),
    raw(`${core}/services/proxied:${at('proxy to a Service')}/proxy/`),
    raw(`${core}/pods/pod:${at('proxy to a pod')}/proxy/`),
    ['logs', inNamespace, 'pod'],
    ['exec', inNamespace, 'pod', '--', 'true'],
    ['attach', inNamespace, 'pod'],
    ['port-forward', inNamespace, 'pod', ':80'],
    ['top', 'nodes'],
  ];
  const answers: string[] = [];
  for (const command of commands)
    answers.push(await api.kubectl(...command).catch((error: unknown) => String(error)));
  return answers.join('\n');
}

test('without its flags an API server calls whatever the data name', async () => {
  await using listeners = await listenForCalls();
  await storeCalls(etcd, listeners);
  await using api = await startScratchApiServer({
    etcd,
    without: ['egress-selector-config-file', 'disable-admission-plugins'],
  });
  await useAll(api, listeners);
  assert.deepEqual(listeners.called(), [...CALLS]);
});

/** Every kind of change, with the method and the path that it goes by. */
const CHANGES: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/api/v1/namespaces'],
  ['POST', `/api/v1/namespaces/${NAMESPACE}/configmaps`],
  ['PUT', `/api/v1/namespaces/${NAMESPACE}/pods/pod`],
  ['PATCH', `/api/v1/namespaces/${NAMESPACE}/pods/pod`],
  ['PATCH', '/api/v1/nodes/node/status'],
  ['DELETE', `/api/v1/namespaces/${NAMESPACE}/pods/pod`],
  ['DELETE', `/api/v1/namespaces/${NAMESPACE}/pods`],
  ['DELETE', `/apis/${GROUP}/v1/namespaces/${NAMESPACE}/gears/one`],
  ['DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gears.${GROUP}`],
  ['POST', `/api/v1/namespaces/${NAMESPACE}/pods/pod/eviction`],
  ['POST', `/api/v1/namespaces/${NAMESPACE}/pods/pod/exec?command=true`],
  ['POST', `/api/v1/namespaces/${NAMESPACE}/pods/pod/portforward`],
  ['POST', `/api/v1/namespaces/${NAMESPACE}/pods/pod/proxy/`],
  ['PUT', `/api/v1/namespaces/${NAMESPACE}/services/proxied/proxy/`],
  ['DELETE', '/api/v1/nodes/node/proxy/'],
  ['POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default/token`],
  ['POST', '/apis/authentication.k8s.io/v1/tokenreviews'],
  ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
  ['POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests'],
  ['PUT', '/debug/flags/v'],
];

async function assertReadOnly(api: ScratchApiServer): Promise<void> {
  for (const [method, path] of CHANGES) assert.equal(await api.send(method, path), 403, `${method} ${path}`);
  const another = { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' };
  assert.equal(await api.send('GET', '/api/v1/namespaces', another), 403);
  assert.equal(await api.send('GET', '/api/v1/namespaces', { authorization: 'Bearer other' }), 401);
  assert.equal(await api.send('GET', '/api/v1/namespaces', { authorization: '' }), 401);
  assert.equal(await api.send('GET', '/api/v1/namespaces'), 200);
}

for (const version of ['1.36.3', '1.32.13'] as const) {
  test(`with them ${version} calls nobody, since the way out leads nowhere, and nothing can be changed`, async () => {
    await using listeners = await listenForCalls();
    await storeCalls(etcd, listeners);
    await using api = await startScratchApiServer({ etcd, version });
    assert.match(await useAll(api, listeners), /nowhere\.sock: connect: no such file or directory/);
    const kinds = (await api.kubectl('api-resources', '--verbs=list', '--output=name')).trim().split('\n');
    const stored = kinds.filter((kind) => kind !== 'componentstatuses' && !kind.endsWith(GROUP));
    await api.kubectl('get', '--all-namespaces', '--output=name', stored.join(','));
    await assertReadOnly(api);
    assert.deepEqual(listeners.called(), []);
  });
}
