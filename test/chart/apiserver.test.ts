import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/apiserver.ts';
import { runProgram } from '../support/run-program.ts';
import { helm, type HelmVersion } from '../support/tools.ts';
import { CHART, HELM_VERSIONS, nameOf, renderText, valuesFiles } from './chart.ts';
import { addPrometheusRules } from './prometheus-operator.ts';

/** A real kube-apiserver says what a real one would take. Nothing runs here: there are no controllers and no node. */

const EXTERNAL = join(CHART, 'presets/external.yaml');
const RESTRICTED = 'restricted';

let cluster: Cluster;
let api: ApiServer;

before(async () => {
  cluster = await startCluster();
  api = await startApiServer({ etcd: cluster });
  await addPrometheusRules(api);
  await api.kubectl('create', 'namespace', RESTRICTED);
  const levels = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await api.kubectl('label', 'namespace', RESTRICTED, ...levels);
});

after(async () => {
  await api[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

describe('kube-apiserver takes', { concurrency: 2 }, async () => {
  for (const file of await valuesFiles()) {
    test(`what ${nameOf(file)} makes`, async () => {
      const manifests = await renderText({ file });
      const how = ['--dry-run=server', '--validate=strict', '--warnings-as-errors', '--filename=-'];
      const said = await api.kubectlWithInput(manifests, 'apply', ...how);
      assert.match(said, /cronjob.batch\/etcd-upkeep created \(server dry run\)/);
    });
  }

  test('an external etcd without a warning in a namespace that is restricted', async () => {
    const manifests = await renderText({ file: EXTERNAL, namespace: RESTRICTED });
    const apply = ['apply', '--dry-run=server', '--warnings-as-errors', '--filename=-'];
    await api.kubectlWithInput(manifests, ...apply);
    const root = await renderText({ namespace: RESTRICTED });
    await assert.rejects(api.kubectlWithInput(root, ...apply), /would violate PodSecurity "restricted/);
  });
});

test('a schedule that only kube-apiserver knows to be none is refused by name', async () => {
  const values = { schedule: '0 22-4 * * *' };
  await assert.rejects(
    api.kubectlWithInput(await renderText({ values }), 'apply', '--dry-run=server', '--filename=-'),
    /spec\.schedule: Invalid value: "0 22-4 \* \* \*"/,
  );
});

for (const version of HELM_VERSIONS) {
  test(`helm ${version}: install, another shape, back, uninstall, install again`, async () => {
    const namespace = `helm-${version.replace('.', '-')}`;
    await api.kubectl('create', 'namespace', namespace);
    const helmIn = (...args: string[]) => runHelmIn(version, namespace, args);
    const get = (what: string, path: string) =>
      api.kubectl('--namespace', namespace, 'get', what, `--output=jsonpath=${path}`);
    const pod = '.spec.jobTemplate.spec.template.spec';

    const notes = await helmIn('install', 'etcd-upkeep', CHART, '--set=clusterName=a');
    assert.match(notes, /create job --from=cronjob\/etcd-upkeep etcd-upkeep-by-hand/);
    assert.match(notes, /\/var\/backups\/etcd-upkeep on the node that a run happens to be on/);
    const uid = await get('cronjob/etcd-upkeep', '{.metadata.uid}');

    await helmIn('upgrade', 'etcd-upkeep', CHART, `--values=${EXTERNAL}`, '--set=schedule=1 2 3 4 5');
    assert.equal(await get('cronjob/etcd-upkeep', '{.spec.schedule}'), '1 2 3 4 5');
    assert.equal(await get('cronjob/etcd-upkeep', `{${pod}.hostNetwork}{${pod}.affinity}`), '');
    assert.equal(await get('pvc', '{.items[*].metadata.name}'), 'etcd-upkeep-backups');

    await helmIn('rollback', 'etcd-upkeep', '1');
    assert.equal(await get('cronjob/etcd-upkeep', `{${pod}.hostNetwork}`), 'true');
    assert.equal(await get('cronjob/etcd-upkeep', '{.metadata.uid}'), uid, 'it is the same object all along');

    await helmIn('uninstall', 'etcd-upkeep');
    assert.equal(await get('cronjob', '{.items[*].metadata.name}'), '');
    assert.equal(await get('pvc', '{.items[*].metadata.name}'), 'etcd-upkeep-backups', 'backups stay');

    const again = await helmIn('install', 'etcd-upkeep', CHART, `--values=${EXTERNAL}`);
    assert.match(again, /the PersistentVolumeClaim etcd-upkeep-backups/);
  });
}

test('from one values file of the chart to any other, and back to the defaults', async () => {
  const namespace = 'one-after-the-other';
  await api.kubectl('create', 'namespace', namespace);
  const presets = (await valuesFiles()).filter((file) => file.includes('/presets/'));
  for (const file of [...presets, ...presets.toReversed()]) {
    await runHelmIn('4.3', namespace, ['upgrade', '--install', 'etcd-upkeep', CHART, `--values=${file}`]);
  }
  await runHelmIn('4.3', namespace, ['upgrade', 'etcd-upkeep', CHART]);
});

async function runHelmIn(version: HelmVersion, namespace: string, args: string[]): Promise<string> {
  return runProgram(await helm(version), [...args, '--namespace', namespace], { env: api.env });
}
