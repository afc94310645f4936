import type { Site } from '../site.ts';
import { labels, many, name, pem, word } from '../text.ts';

const ACCOUNTS = 6;

/** What a namespace has from its beginning: its service accounts, who may do what, and the CA of the API server. */
export async function createNamespace({ api, random, namespace }: Site): Promise<void> {
  await api.create('/api/v1/namespaces', 'kubectl-create', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: { team: word(random), 'pod-security.kubernetes.io/enforce': 'baseline' },
    },
  });
  const path = `/api/v1/namespaces/${namespace}`;
  await api.create(`${path}/configmaps`, 'kube-controller-manager', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-root-ca.crt' },
    data: { 'ca.crt': pem(random) },
  });
  for (const account of ['default', ...many(ACCOUNTS, (index) => `${name(random)}-${index}`)]) {
    const metadata = { name: account, labels: labels(account) };
    await api.create(`${path}/serviceaccounts`, 'helm', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
    });
    await grant({ api, random, namespace }, account);
  }
}

async function grant(
  { api, random, namespace }: Pick<Site, 'api' | 'random' | 'namespace'>,
  account: string,
) {
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: account, labels: labels(account) };
  const resources = ['pods', 'configmaps', 'secrets', 'events', word(random)];
  await api.create(`${path}/roles`, 'helm', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata,
    rules: [{ apiGroups: [''], resources, verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'] }],
  });
  await api.create(`${path}/rolebindings`, 'helm', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  });
}
