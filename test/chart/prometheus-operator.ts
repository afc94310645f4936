import type { ApiServer } from '../support/kubernetes/apiserver.ts';

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const duration = {
  type: 'string',
  minLength: 1,
  pattern: '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$',
};
const RULE = {
  alert: text,
  record: text,
  expr: text,
  for: duration,
  keep_firing_for: duration,
  labels: texts,
  annotations: texts,
};

/** What a PrometheusRule may hold, of the parts that the chart writes: strict, so that others would be refused. */
const RULE_SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        groups: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string', minLength: 1 },
              rules: {
                type: 'array',
                items: { type: 'object', required: ['expr'], properties: RULE },
              },
            },
          },
        },
      },
    },
  },
};

/** Makes a kube-apiserver know PrometheusRule, without the operator that acts on it. */
export async function addPrometheusRules(api: ApiServer): Promise<void> {
  const names = { plural: 'prometheusrules', singular: 'prometheusrule', kind: 'PrometheusRule' };
  const group = 'monitoring.coreos.com';
  const name = `${names.plural}.${group}`;
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: RULE_SCHEMA } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: { group, names, scope: 'Namespaced', versions: [version] },
  };
  await api.kubectlWithInput(JSON.stringify(definition), 'create', '--filename=-');
  await api.kubectl('wait', '--for=condition=Established', `crd/${name}`, '--timeout=30s');
}
