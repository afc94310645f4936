import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../api.ts';
import type { Site, Step } from '../site.ts';
import { digest, hex, labels, many, name, uid, word } from '../text.ts';

const GROUP = 'example.com';
const PLURAL = 'applications';
/** Of one writer. */
const OBJECTS = 10;
const RESOURCES = 20;
const POLL_MS = 100;

/** Makes custom resources known, and waits until they are served. */
export async function defineCustom(api: Api): Promise<void> {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: open, status: open } } };
  await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'kubectl-create', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural: PLURAL, singular: 'application', kind: 'Application', listKind: 'ApplicationList' },
      versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
    },
  });
  while (!(await api.serves(`/apis/${GROUP}/v1/${PLURAL}`))) await sleep(POLL_MS);
}

/** Custom resources, which are JSON in etcd: specified once, their status written by a controller again and again. */
export function custom({ api, random, namespace, time }: Site): Step {
  const path = `/apis/${GROUP}/v1/namespaces/${namespace}/${PLURAL}`;
  const all: string[] = [];
  return async function reconcile() {
    if (all.length < OBJECTS) {
      const app = `${name(random)}-${all.length}`;
      await api.create(path, 'argocd', {
        apiVersion: `${GROUP}/v1`,
        kind: 'Application',
        metadata: { name: app, labels: labels(app), finalizers: [`${GROUP}/finalizer`] },
        spec: {
          source: { repoURL: `https://git.example.com/${name(random)}.git`, path: word(random) },
          project: 'default',
        },
      });
      all.push(app);
      return;
    }
    const status = {
      reconciledAt: time(),
      sync: { status: random.pick(['Synced', 'OutOfSync']), revision: hex(random, 40) },
      resources: many(RESOURCES, () => ({
        kind: random.pick(['Deployment', 'Service', 'ConfigMap']),
        namespace,
        name: name(random),
        uid: uid(random),
        digest: digest(random),
        health: { status: 'Healthy' },
      })),
    };
    await api.change(`${path}/${random.pick(all)}/status`, 'argocd-controller', 'merge', { status });
  };
}
