import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from '../support/repository.ts';
import {
  CHART,
  HELM_VERSIONS,
  nameOf,
  type RenderOptions,
  render,
  renderCronJob,
  renderPod,
  runHelm,
  valuesFiles,
} from './chart.ts';

describe('the values files', { concurrency: 2 }, async () => {
  for (const file of await valuesFiles()) {
    test(`${nameOf(file)}: both helms render the same, and lint it`, async () => {
      const [first, ...others] = await Promise.all(HELM_VERSIONS.map((helm) => render({ helm, file })));
      for (const other of others) assert.deepEqual(other, first);
      for (const helm of HELM_VERSIONS) await runHelm(['lint', '--strict', CHART], { helm, file });
    });
  }
});

describe('the schedule', () => {
  test('an empty one lies in the small hours, and differs by namespace, release and cluster', async () => {
    const releases = Array.from({ length: 12 }, (_, index) => `etcd-upkeep-${index}`);
    const all = [
      ...(await Promise.all(releases.map((release) => scheduleOf({ release })))),
      await scheduleOf({ namespace: 'ops' }),
      await scheduleOf({ values: { clusterName: 'a' } }),
      await scheduleOf({ values: { clusterName: 'b' } }),
    ];
    for (const schedule of all) assert.match(schedule, /^([0-9]|[1-5][0-9]) [1-4] \* \* \*$/);
    assert.ok(new Set(all).size >= all.length - 2, all.join(', '));
    assert.equal(
      await scheduleOf({}),
      await scheduleOf({ values: { dryRun: true } }),
      'it stays where it is',
    );
  });

  test('a given one is taken as it is', async () => {
    assert.equal(await scheduleOf({ values: { schedule: '5 4 * * 0' } }), '5 4 * * 0');
  });
});

test('names and selectors do not change with values or versions', async () => {
  for (const file of await valuesFiles()) {
    for (const name of await identities(file)) {
      assert.match(
        name,
        /^(CronJob|ServiceAccount|NetworkPolicy|PrometheusRule)\/kube-system\/etcd-upkeep$|^ConfigMap\/kube-system\/etcd-upkeep-dashboard$|^(CronJob|NetworkPolicy)\/kube-system\/etcd-upkeep-(drill|browse)$|^PersistentVolumeClaim\/kube-system\/etcd-upkeep-backups$|^Job\/kube-system\/etcd-upkeep-first-[0-9a-f]{8}$|^(ConfigMap|Role)\/undefined\/etcd-upkeep-extra$/,
      );
    }
  }
});

test('the longest names stay within what Kubernetes allows', async () => {
  const release = 'a-release-whose-name-is-as-long-as-helm-lets-it-be-xx';
  const [first, ...others] = (await render({ release })).map(({ metadata }) => metadata.name);
  assert.equal(first?.length, 52);
  assert.match(first, /^a-release-whose-name-is-as-long-as-helm-let-[0-9a-f]{8}$/);
  assert.ok(others.every((name) => name === first));
  const values = { drill: { enabled: true } };
  const drill = (await renderCronJob({ release, values }, 'drill')).metadata.name;
  assert.match(drill, /^a-release-whose-name-is-as-long-as-he-[0-9a-f]{8}-drill$/);
  assert.equal(drill.length, 52);
});

test('chart, image and package carry one version', async () => {
  const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
  const [{ image }] = (await renderPod()).containers;
  assert.equal(image, `ghcr.io/etcd-upkeep/etcd-upkeep:${version}`);
  const images = chart.annotations['artifacthub.io/images'];
  assert.match(images, new RegExp(`image: ${image}\\n`));
  const { drill } = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
  assert.match(images, new RegExp(`image: ${drill.image}\\n`));
});

async function scheduleOf(options: RenderOptions): Promise<string> {
  return (await renderCronJob(options)).spec.schedule;
}

async function identities(file: string): Promise<string[]> {
  const manifests = await render({ file });
  return manifests.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`);
}
