import type { Cluster } from '../cluster-handle.ts';

export interface Stored {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  [field: string]: unknown;
}

const WHEN = '2026-01-01T00:00:00Z';

/**
 * Writes an object into etcd itself, for what no API server would take or what it would act upon at once. API servers
 * read JSON also where they write protobuf.
 */
export async function store(etcd: Cluster, key: string, object: Stored): Promise<void> {
  const own = { uid: crypto.randomUUID(), creationTimestamp: WHEN };
  const text = JSON.stringify({ ...object, metadata: { ...object.metadata, ...own } });
  await etcd.etcdctlWithInput(text, 'put', `/registry/${key}`);
}

/** An API that another server has: its key, and itself. */
export function apiServiceOf(
  group: string,
  service: { namespace: string; name: string; port: number },
): [key: string, object: Stored] {
  const metadata = { name: `v1.${group}` };
  const spec = {
    group,
    version: 'v1',
    groupPriorityMinimum: 1000,
    versionPriority: 10,
    insecureSkipTLSVerify: true,
    service,
  };
  return [
    `apiregistration.k8s.io/apiservices/${metadata.name}`,
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata, spec },
  ];
}

/** A custom resource in versions v1 and v2, which a webhook turns into each other; v2 is what is stored from now on. */
export function definitionOf(resource: {
  group: string;
  plural: string;
  kind: string;
  converter: string;
}): [key: string, object: Stored] {
  const { group, plural, kind, converter } = resource;
  const metadata = { name: `${plural}.${group}` };
  const names = { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const webhook = { clientConfig: { url: converter }, conversionReviewVersions: ['v1'] };
  const spec = {
    group,
    scope: 'Namespaced',
    names,
    versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === 'v2', schema })),
    conversion: { strategy: 'Webhook', webhook },
  };
  const conditions = ['NamesAccepted', 'Established'].map((type) => ({
    type,
    status: 'True',
    reason: type,
    message: '',
    lastTransitionTime: WHEN,
  }));
  const status = { acceptedNames: names, storedVersions: ['v1', 'v2'], conditions };
  return [
    `apiextensions.k8s.io/customresourcedefinitions/${metadata.name}`,
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata,
      spec,
      status,
    },
  ];
}
