import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/apiserver.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { runProgram } from '../support/run-program.ts';
import { helm, type HelmVersion } from '../support/tools.ts';
import { CHART, HELM_VERSIONS, UNCHECKED } from './chart.ts';

/** What of a claim cannot be changed is refused in words, before an upgrade has changed anything. */

const CLAIM = 'etcd-upkeep-backups';
const STANDARD = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: 'standard',
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner: 'kubernetes.io/no-provisioner',
  allowVolumeExpansion: true,
};

/** What an installer in one namespace needs, and no more. */
function narrowRights(namespace: string): object[] {
  const all = ['get', 'create', 'patch', 'delete'];
  const rules = [
    { apiGroups: [''], resources: ['secrets'], verbs: [...all, 'list', 'update'] },
    { apiGroups: [''], resources: ['serviceaccounts'], verbs: all },
    { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'create', 'patch'] },
    { apiGroups: ['batch'], resources: ['cronjobs'], verbs: all },
  ];
  const metadata = { name: 'installer', namespace };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'installer' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'installer' }],
    },
  ];
}

let cluster: Cluster;
let api: ApiServer;
let installer: string;

before(async () => {
  cluster = await startCluster();
  api = await startApiServer({ etcd: cluster });
  await apply(api, STANDARD);
  installer = await api.kubeconfigFor({ name: 'installer', user: 'installer' });
});

after(async () => {
  await api[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

for (const version of HELM_VERSIONS) {
  describe(`helm ${version}`, { concurrency: 2 }, () => {
    test('a claim that should shrink is refused, and the release stays as it was', async () => {
      const site = await siteFor(version, 'shrink');
      await site.upgrade({ size: '50Gi' });
      await site.bind();
      await assert.rejects(
        site.upgrade({ size: '20Gi' }, { schedule: '1 2 3 4 5' }),
        /etcd-upkeep-backups is there already.*has 50Gi and cannot shrink to 20Gi: set backup\.persistence\.size to 50Gi or more.*existingClaim/s,
      );
      assert.notEqual(await site.get('cronjob/etcd-upkeep', '{.spec.schedule}'), '1 2 3 4 5');
      await site.upgrade({ size: '51200Mi' }, { schedule: '1 2 3 4 5' });
      assert.equal(await site.get('cronjob/etcd-upkeep', '{.spec.schedule}'), '1 2 3 4 5');
    });

    test('one that is bound can grow, written in any way', async () => {
      const site = await siteFor(version, 'grow');
      await site.upgrade({ size: '0.5Gi' });
      await site.bind();
      for (const size of ['536870912', '0.6G', '1Ti', '1Ei']) await site.upgrade({ size });
      assert.equal(await site.get(`pvc/${CLAIM}`, '{.spec.resources.requests.storage}'), '1Ei');
      for (const size of ['1023Pi', '1E', '999T', '1Ki', '1'])
        await assert.rejects(site.upgrade({ size }), /cannot shrink/, size);
    });

    test('one made by hand may say its size in ways of its own', async () => {
      const site = await siteFor(version, 'by-hand');
      await site.makeClaim('1e9');
      await assert.rejects(site.upgrade({ size: '1Gi' }), /has 1e9 and cannot grow to 1Gi/);
      await assert.rejects(site.upgrade({ size: '999M' }), /has 1e9 and cannot shrink to 999M/);
    });

    test('one that is not bound yet cannot grow, but can be made anew', async () => {
      const site = await siteFor(version, 'unbound');
      await site.upgrade({ size: '1Gi' });
      const said =
        /cannot grow to 2Gi before it is bound.*make it anew.*kubectl -n (\S+) delete pvc etcd-upkeep-backups/s;
      await assert.rejects(site.upgrade({ size: '2Gi' }), said);
    });

    test('access modes and class stay as well', async () => {
      const site = await siteFor(version, 'rest');
      await site.upgrade({ storageClass: 'one' });
      await assert.rejects(
        site.upgrade({ storageClass: 'two', accessModes: ['ReadWriteMany'] }),
        /modes are ReadWriteOnce and stay so: set backup\.persistence\.accessModes to \{ReadWriteOnce\}.*class is "one" and stays so: set backup\.persistence\.storageClass to "one"/s,
      );
      await assert.rejects(site.upgrade({ storageClass: '-' }), /class is "one" and stays so/);
      await assert.rejects(site.upgrade({}), /class is "one" and stays so/, 'nor can a wish be taken back');
      await site.upgrade({ storageClass: 'one' });
    });

    test('a class that Kubernetes chose need not be named, and may be', async () => {
      const site = await siteFor(version, 'default');
      await site.upgrade({});
      assert.equal(await site.get(`pvc/${CLAIM}`, '{.spec.storageClassName}'), 'standard');
      await site.upgrade({});
      await site.upgrade({ storageClass: 'standard' });
    });

    test('no class at all is one too', async () => {
      const site = await siteFor(version, 'none');
      await site.upgrade({ storageClass: '-' });
      await site.upgrade({ storageClass: '-' });
      await assert.rejects(
        site.upgrade({ storageClass: 'one' }),
        /class is "" and stays so.*storageClass to "-"/s,
      );
    });

    test('a claim that an earlier release left is looked at by a new one', async () => {
      const site = await siteFor(version, 'again');
      await site.upgrade({ size: '50Gi' });
      await site.uninstall();
      await assert.rejects(site.upgrade({ size: '20Gi' }), /cannot shrink/);
      await site.upgrade({ size: '50Gi' });
    });

    test('a claim that existingClaim names is not looked at', async () => {
      const site = await siteFor(version, 'existing');
      await site.upgrade({ size: '50Gi' });
      await site.upgrade({ size: '1Gi', existingClaim: CLAIM });
    });

    test('an installer with narrow rights needs none for it that Helm does not need', async () => {
      const site = await siteFor(version, 'narrow', installer);
      await apply(api, ...narrowRights(site.namespace));
      await site.upgrade({});
      await assert.rejects(site.upgrade({ size: '1Gi' }), /cannot shrink/);
      await site.upgrade({});
    });
  });
}

/** One that Helm takes for the release's own. */
function claimOfRelease(namespace: string, storage: string): object {
  const annotations = {
    'meta.helm.sh/release-name': 'etcd-upkeep',
    'meta.helm.sh/release-namespace': namespace,
  };
  const labels = { 'app.kubernetes.io/managed-by': 'Helm' };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: CLAIM, namespace, annotations, labels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  };
}

interface Site {
  readonly namespace: string;
  upgrade(persistence: object, values?: object): Promise<string>;
  uninstall(): Promise<string>;
  get(what: string, path: string): Promise<string>;
  makeClaim(storage: string): Promise<void>;
  /** As the volume controller would. */
  bind(): Promise<void>;
}

/** A namespace of one release. */
async function siteFor(version: HelmVersion, name: string, kubeconfig = api.kubeconfig): Promise<Site> {
  const namespace = `${name}-${version.replace('.', '-')}`;
  await api.kubectl('create', 'namespace', namespace);
  const env = { ...api.env, KUBECONFIG: kubeconfig };
  const program = await helm(version);
  const kubectl = (...args: string[]) => api.kubectl(`--namespace=${namespace}`, ...args);
  return {
    namespace,
    upgrade: (persistence, values = {}) => {
      const input = JSON.stringify({ ...values, backup: { persistence: { enabled: true, ...persistence } } });
      const args = ['upgrade', '--install', 'etcd-upkeep', CHART, '--values=-', `--namespace=${namespace}`];
      return runProgram(program, [...args, UNCHECKED], { env, input });
    },
    uninstall: () => runProgram(program, ['uninstall', 'etcd-upkeep', `--namespace=${namespace}`], { env }),
    get: (what, path) => kubectl('get', what, `--output=jsonpath=${path}`),
    makeClaim: (storage) => apply(api, claimOfRelease(namespace, storage)),
    bind: async () => {
      const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Ei' } };
      await kubectl('patch', `pvc/${CLAIM}`, '--patch={"spec":{"volumeName":"volume"}}');
      const patch = `--patch=${JSON.stringify({ status })}`;
      await kubectl('patch', `pvc/${CLAIM}`, '--subresource=status', patch);
    },
  };
}
