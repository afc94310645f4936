import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { kubernetes } from '../support/tools.ts';
import { PAUSE } from './images.ts';
import { namespaceOf, secret } from './objects.ts';
import { createJob, install, jobEnd, NAMESPACE } from './release.ts';
import { readRunbook, type Runbook } from './runbook.ts';

/** docs/recover-one-object.md: what was deleted or changed comes back by its own commands. */

const SHOP = 'shop';
const CRD = 'carts.shop.example.com';
const BLOCK_TIMEOUT_MS = 180_000;
const OWNED = 'made-by-an-owner';
const TOKEN = 'token';
/** As YAML kubectl writes the one as a blank, and the other so that it does not read it again. */
const ODD = 'a\u0085b\u007fc';
const FINALIZERS = ['example.com/nobody-knows-it-any-more'];
const labels = { app: 'web' };

const stack = new AsyncDisposableStack();
let node: Node;
let home: string;
let runbook: Runbook;

before(async () => {
  node = stack.use(await startNode({ taint: false, kubeApiServerImage: true }));
  const { path: programs } = stack.use(await scratchFolder('programs'));
  await symlink(await kubernetes('kubectl'), join(programs, 'kubectl'));
  home = node.folder;
  const env = { HOME: home, KUBECONFIG: node.kubeconfig };
  runbook = await readRunbook(programs, { page: 'docs/recover-one-object.md', env });
  await install(node, { values: { suspend: true, browse: { enabled: true } } });
  await fillShop();
  await createJob(node, 'run');
  const { type, message } = await jobEnd(node, 'run');
  assert.equal(type, 'Complete', message);
  await follow('1. Settings');
});

after(() => stack.disposeAsync());

test('the API server of that day answers', async () => {
  assert.match(await follow('2. Start the API server of that day'), /^shop +Active/m);
});

test('a Secret that was deleted comes back with its value, and none that is there is overwritten', async () => {
  await shop('delete', 'secret', 'db-password');
  const heading = 'An object that was deleted';
  const said = await follow(heading);
  assert.match(said, /^secret\/db-password created$/m);
  assert.doesNotMatch(said, /^[<>]/m, 'the comparison');
  assert.equal(await shop('get', 'secret', 'db-password', '--output=jsonpath={.data.password}'), 'c2VjcmV0');
  await assert.rejects(follow(heading), /"db-password" already exists[^]*--- FAILED/);
});

test('a ConfigMap that was changed is as it was, without what was added since', async () => {
  const changed = { data: { apple: '3', pear: '4' } };
  await shop('patch', 'configmap', 'prices', `--patch=${JSON.stringify(changed)}`);
  const heading = 'An object that was changed';
  assert.match(await follow(heading), /^< +"apple": "2"\n---\n> +"apple": "3",\n> +"pear": "4"$/m);
  assert.equal(await shop('get', 'configmap', 'prices', '--output=jsonpath={.data}'), '{"apple":"2"}');
  assert.doesNotMatch(await follow(heading), /^[<>]/m);
});

test('custom resources come back with the definition that was deleted', async () => {
  await shop('patch', CRD, 'basket', '--type=merge', '--patch={"metadata":{"finalizers":null}}');
  await node.kubectl('delete', 'customresourcedefinition', CRD);
  const said = await follow('A custom resource whose definition is gone');
  assert.match(said, /^cart\.shop\.example\.com\/basket created$/m);
  assert.doesNotMatch(said, /^[<>]/m, 'the comparison');
  const { metadata, spec, status } = JSON.parse(await shop('get', CRD, 'basket', '--output=json'));
  assert.deepEqual({ spec, status }, { spec: { items: 3 }, status: undefined });
  assert.equal(metadata.finalizers, undefined);
  const defined = JSON.parse(await node.kubectl('get', 'crd', CRD, '--output=json'));
  assert.equal(defined.metadata.annotations.odd, ODD);
});

const A_NAMESPACE = 'A namespace';

test('a namespace comes back, and its controllers make what is theirs', async (t) => {
  const pods = await shop('get', 'pods', '--output=name');
  await node.kubectl('delete', 'namespace', SHOP);
  const startedAt = Date.now();
  const said = await follow(A_NAMESPACE);
  t.diagnostic(`the blocks took ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  assert.match(said, /^deployment\.apps\/web serverside-applied$/m);
  assert.doesNotMatch(said, /^---[^]*\bpod\//m);
  await shop('wait', '--for=condition=Available', 'deployment/web', '--timeout=60s');
  assert.notEqual(await shop('get', 'pods', '--output=name'), pods);
  assert.equal(await shop('get', 'secret', 'db-password', '--output=jsonpath={.data.password}'), 'c2VjcmV0');
  assert.equal(await shop('get', CRD, 'basket', '--output=jsonpath={.spec.items}'), '3');
  assert.equal(await shop('get', 'service', 'web', '--output=jsonpath={.spec.clusterIP}'), '10.96.0.77');
  assert.equal(await shop('get', 'service', 'headless', '--output=jsonpath={.spec.clusterIP}'), 'None');
  const pullSecrets = '--output=jsonpath={.imagePullSecrets[0].name}';
  assert.equal(await shop('get', 'serviceaccount', 'default', pullSecrets), 'db-password');
  await shop('wait', '--for=create', 'configmap/kube-root-ca.crt', '--timeout=60s');
});

test('what an owner made and the tokens of the old service accounts stay away; the former is told', async () => {
  const names = await shop('get', 'secrets,jobs', '--output=name');
  assert.deepEqual(names.trim().split('\n'), ['secret/db-password']);
  assert.match(await follow('What its owners make'), new RegExp(`^Secret ${OWNED}$`, 'm'));
});

test('run again it sets to what it was; a Service whose address was taken is told, and comes back with another', async () => {
  await shop('delete', 'service', 'web');
  await apply(node, service('thief', { clusterIP: '10.96.0.77' }));
  await shop('scale', 'deployment', 'web', '--replicas=2');
  await assert.rejects(
    follow(A_NAMESPACE),
    /already allocated[^]*not all came back of: services\n--- FAILED/,
  );
  assert.equal(await shop('get', 'deployment', 'web', '--output=jsonpath={.spec.replicas}'), '1');
  await follow('A Service whose address was taken');
  const address = await shop('get', 'service', 'web', '--output=jsonpath={.spec.clusterIP}');
  assert.match(address, /^10\.96\.0\.(?!77$)\d+$/);
});

test('at the end nothing of it is left', async () => {
  await follow('When you are done');
  assert.ok(!existsSync(join(home, 'recover')));
  const pods = await node.kubectl('-n', NAMESPACE, 'get', 'pods', '--selector=job-name=yesterday');
  assert.equal(pods, '');
});

test('these are all commands of the page', () => {
  assert.equal(runbook.headings().length, 9, runbook.headings().join(', '));
});

const follow = (heading: string) =>
  runbook.follow(
    { inside: (file, ...args) => runProgram(file, args, { timeoutMs: BLOCK_TIMEOUT_MS }) },
    heading,
  );

const shop = (...args: string[]) => node.kubectl(`--namespace=${SHOP}`, ...args);

function service(name: string, spec: object): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: SHOP },
    spec: { selector: labels, ports: [{ port: 80 }], ...spec },
  };
}

/** A namespace with one of everything that needs a thought. */
async function fillShop(): Promise<void> {
  await apply(node, namespaceOf(SHOP, 'restricted'), definition);
  await node.kubectl('wait', '--for=condition=Established', `crd/${CRD}`, '--timeout=60s');
  await apply(
    node,
    secret(SHOP, 'db-password', { password: 'secret' }),
    inShop('v1', 'ConfigMap', 'prices', { data: { apple: '2' } }),
    inShop('v1', 'ServiceAccount', 'default', { imagePullSecrets: [{ name: 'db-password' }] }),
    inShop('shop.example.com/v1', 'Cart', 'basket', { spec: { items: 3 }, status: { total: 6 } }, FINALIZERS),
    service('web', { clusterIP: '10.96.0.77' }),
    service('headless', { clusterIP: 'None' }),
    inShop('apps/v1', 'Deployment', 'web', {
      spec: { replicas: 1, selector: { matchLabels: labels }, template: template('Always') },
    }),
    inShop('batch/v1', 'Job', 'once', { spec: { suspend: true, template: template('Never') } }),
  );
  await shop('wait', '--for=condition=Available', 'deployment/web', '--timeout=60s');
  const uid = await shop('get', 'deployment', 'web', '--output=jsonpath={.metadata.uid}');
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid }];
  const annotations = { 'kubernetes.io/service-account.name': 'default' };
  await apply(
    node,
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: OWNED, namespace: SHOP, ownerReferences } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { name: TOKEN, namespace: SHOP, annotations },
    },
  );
  await shop('wait', '--for=jsonpath={.data.token}', `secret/${TOKEN}`, '--timeout=60s');
}

function inShop(apiVersion: string, kind: string, name: string, rest: object, finalizers?: string[]): object {
  return {
    apiVersion,
    kind,
    ...rest,
    metadata: { name, namespace: SHOP, ...(finalizers && { finalizers }) },
  };
}

const template = (restartPolicy: 'Always' | 'Never') => ({
  metadata: { labels },
  spec: {
    restartPolicy,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'web',
        image: PAUSE,
        imagePullPolicy: 'Never',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: CRD, annotations: { odd: ODD } },
  spec: {
    group: 'shop.example.com',
    scope: 'Namespaced',
    names: { plural: 'carts', singular: 'cart', kind: 'Cart' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};
