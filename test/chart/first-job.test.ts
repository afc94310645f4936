import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/apiserver.ts';
import { startControllers } from '../support/kubernetes/controllers.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { runProgram } from '../support/run-program.ts';
import { helm, type HelmVersion } from '../support/tools.ts';
import {
  CHART,
  HELM_VERSIONS,
  isJob,
  type Job,
  render,
  renderCronJob,
  type RenderOptions,
  renderText,
} from './chart.ts';

/** A run at once on install. Controllers and scheduler are real; the node is none, so that no pod ever starts. */

async function firstJob(values: object, options: RenderOptions): Promise<Job | undefined> {
  return (await render({ ...options, values: { runOnInstall: true, ...values } })).find(isJob);
}

const EXTERNAL = join(CHART, 'presets/external.yaml');
/** A class whose claims are bound once a pod needs them. */
const LATE = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'late' },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
};
const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', labels: { 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux' } },
  status: { allocatable: { cpu: '8', memory: '16Gi', pods: '100' } },
};

function volume(name: string): object {
  const expression = { key: 'kubernetes.io/hostname', operator: 'Exists' };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'late',
      capacity: { storage: '1Gi' },
      local: { path: `/${name}` },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
    },
  };
}

for (const version of HELM_VERSIONS) {
  describe(`the first Job, rendered by helm ${version}`, () => {
    test('is made where it is asked for, and not while runs are suspended', async () => {
      assert.deepEqual((await render({ helm: version })).filter(isJob), []);
      assert.equal(await firstJob({ suspend: true }, { helm: version }), undefined);
      assert.ok(await firstJob({}, { helm: version }));
    });

    test('is a run as the schedule makes it', async () => {
      const values = { runOnInstall: true, podLabels: { team: 'a' }, podAnnotations: { note: 'b' } };
      const job = await firstJob(values, { helm: version, file: EXTERNAL });
      const { jobTemplate } = (await renderCronJob({ helm: version, file: EXTERNAL, values })).spec;
      assert.deepEqual(job?.spec, jobTemplate.spec);
    });

    test('has another name when the run is another, and only then', async () => {
      const [usual, scheduled, tagged, annotated] = await Promise.all(
        [
          {},
          { schedule: '1 2 * * *', startingDeadlineSeconds: 60 },
          { image: { tag: 'next' } },
          { podAnnotations: { a: 'b' } },
        ].map(async (values) => (await firstJob(values, { helm: version }))?.metadata.name),
      );
      assert.match(usual ?? '', /^etcd-upkeep-first-[0-9a-f]{8}$/);
      assert.equal(scheduled, usual);
      assert.notEqual(tagged, usual);
      assert.notEqual(annotated, usual);
    });

    test('has a name that fits', async () => {
      const job = await firstJob({}, { helm: version, release: 'r'.repeat(53) });
      assert.ok((job?.metadata.name.length ?? 99) <= 63, job?.metadata.name);
    });
  });
}

describe('installers that wait', () => {
  let cluster: Cluster;
  let api: ApiServer;
  let controllers: AsyncDisposable;

  before(async () => {
    cluster = await startCluster();
    api = await startApiServer({ etcd: cluster });
    controllers = await startControllers(api);
    await apply(api, LATE, NODE, ...HELM_VERSIONS.map((version) => volume(`volume-${nameOf(version)}`)));
  });

  after(async () => {
    await controllers[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  for (const version of HELM_VERSIONS) {
    test(`helm ${version}: the claim waits for a run, and the first Job is one`, async () => {
      const namespace = `late-${nameOf(version)}`;
      await api.kubectl('create', 'namespace', namespace);
      const values = {
        // The node is not ready, and nobody says that it is.
        tolerations: [{ operator: 'Exists' }],
        backup: { persistence: { storageClass: 'late', size: '1Gi' } },
      };
      const install = (runOnInstall: boolean, ...args: string[]) =>
        runHelmIn(version, namespace, { ...values, runOnInstall }, 'install', ...args);
      const claim = () => get(namespace, 'pvc/etcd-upkeep-backups', '{.status.phase}');

      await assert.rejects(install(false, '--wait', '--timeout=10s'), /context deadline exceeded/);
      assert.equal(await claim(), 'Pending');
      await runProgram(await helm(version), ['uninstall', 'etcd-upkeep', `--namespace=${namespace}`], {
        env: api.env,
      });

      await install(true, '--wait', '--timeout=60s');
      assert.equal(await claim(), 'Bound');
    });

    test(`helm ${version}: an upgrade makes no run, and takes the first Job away`, async () => {
      const namespace = `upgrade-${nameOf(version)}`;
      await api.kubectl('create', 'namespace', namespace);
      const upgrade = (values: object = {}) =>
        runHelmIn(version, namespace, { runOnInstall: true, ...values }, 'upgrade', '--install');
      const jobs = () => get(namespace, 'jobs', '{.items[*].metadata.name}');

      const notes = await upgrade();
      const first = await jobs();
      assert.match(first, /^etcd-upkeep-first-[0-9a-f]{8}$/);
      assert.match(notes, new RegExp(`logs --follow job/${first}`));

      const later = await upgrade({ image: { tag: 'next' } });
      assert.equal(await jobs(), '');
      assert.doesNotMatch(later, /First  a run begins now/);
      await upgrade();
      assert.equal(await jobs(), '');

      await runProgram(await helm(version), ['rollback', 'etcd-upkeep', '1', `--namespace=${namespace}`], {
        env: api.env,
      });
      assert.equal(await jobs(), first, 'what revision 1 was is what a rollback brings back');
      const uninstall = ['uninstall', 'etcd-upkeep', `--namespace=${namespace}`];
      await runProgram(await helm(version), uninstall, { env: api.env });
      assert.equal(await jobs(), '');
    });
  }

  test('under one name the API server would refuse another run', async () => {
    const namespace = 'one-name';
    await api.kubectl('create', 'namespace', namespace);
    const text = await renderText({ namespace, values: { runOnInstall: true } });
    await api.kubectlWithInput(text, 'apply', '--filename=-');
    const changed = text.replaceAll(/image: .*/g, 'image: another');
    await assert.rejects(
      api.kubectlWithInput(changed, 'apply', '--filename=-'),
      /spec\.template: .*field is immutable/s,
    );
  });

  const get = (namespace: string, what: string, path: string) =>
    api.kubectl('--namespace', namespace, 'get', what, `--output=jsonpath=${path}`);

  async function runHelmIn(version: HelmVersion, namespace: string, values: object, ...how: string[]) {
    const preset = 'backup' in values ? [`--values=${EXTERNAL}`] : [];
    const args = [...how, 'etcd-upkeep', CHART, ...preset, '--values=-', `--namespace=${namespace}`];
    return runProgram(await helm(version), args, { env: api.env, input: JSON.stringify(values) });
  }
});

/** For the names of objects. */
function nameOf(version: HelmVersion): string {
  return `helm-${version.replace('.', '-')}`;
}
