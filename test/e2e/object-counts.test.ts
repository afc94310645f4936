import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectsReport } from '../../src/run/state.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { createJob, install, jobEnd, logOf } from './release.ts';

/** What a run counts, against what kube-apiserver counts itself. */

const CUSTOM_RESOURCES = 7;
const POLL_SECONDS = 1;
/** By resource and group, as kubectl names them: `deployments.apps`. */
type Counts = ReadonlyMap<string, number>;

let node: Node;
let earlier: Counts;
let later: Counts;
let objects: ObjectsReport;

before(async () => {
  node = await startNode({ apiServerArgs: [`--etcd-count-metric-poll-period=${POLL_SECONDS}s`] });
  await makeObjects(node);
  await install(node);
  earlier = await countsOfApi(node);
  await createJob(node, 'count');
  const job = await jobEnd(node, 'count');
  const { report } = await logOf(node, job.pods[0]?.name ?? '');
  assert.ok(report.objects, JSON.stringify(report));
  objects = report.objects;
  later = await countsOfApi(node);
});
after(() => node?.[Symbol.asyncDispose]());

async function makeObjects({ kubectl, kubectlWithInput }: Node): Promise<void> {
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget' };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names,
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  await kubectlWithInput(JSON.stringify(definition), 'apply', '--filename=-');
  await kubectl('wait', '--for=condition=Established', 'crd/widgets.example.com');
  const items = Array.from({ length: CUSTOM_RESOURCES }, (_, index) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: `widget-${index}` },
  }));
  await kubectlWithInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'create', '--filename=-');
  for (const name of ['a', 'b', 'c']) await kubectl('create', 'configmap', name);
  await kubectl('create', 'deployment', 'web', '--image=none', '--replicas=0');
  await kubectl('create', 'service', 'clusterip', 'web', '--tcp=80:80');
}

async function countsOfApi({ kubectl }: Node): Promise<Counts> {
  await sleep(POLL_SECONDS * 3000); // until it has counted again
  const text = await kubectl('get', '--raw', '/metrics');
  const series = text.matchAll(/^apiserver_resource_objects\{group="([^"]*)",resource="([^"]+)"\} (\S+)$/gm);
  return new Map(
    [...series].map(([, group = '', resource = '', count]) => [
      group === '' ? resource : `${resource}.${group}`,
      Number(count),
    ]),
  );
}

test('every resource that kube-apiserver counts is counted alike', () => {
  const steady = [...earlier].filter(([name, count]) => count > 0 && later.get(name) === count);
  // The keys of Kubernetes' own resources do not name their group.
  const counted = steady.map(([name]) => [
    name,
    objects.byResource[name] ?? objects.byResource[name.split('.')[0] ?? ''],
  ]);
  assert.deepEqual(counted, steady);
  assert.ok(steady.length > 15, `only ${steady.length} resources to compare`);
  for (const name of [
    'widgets.example.com',
    'nodes',
    'services',
    'endpointslices.discovery.k8s.io',
    'deployments.apps',
  ])
    assert.ok(
      steady.some(([each]) => each === name),
      name,
    );
  assert.equal(objects.byResource['widgets.example.com'], CUSTOM_RESOURCES);
});
