import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { read } from '../docs/pages.ts';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { helm, type HelmVersion } from '../support/tools.ts';
import { CHART, HELM_VERSIONS, type Manifest, render, renderEnv, renderCronJob, runHelm } from './chart.ts';

/** What docs/gitops.md shows, rendered as those tools do it: they hand values to Helm, and that is here. */

type Values = Record<string, unknown>;

interface ArgoSource {
  repoURL: string;
  targetRevision: string;
  ref?: string;
  helm?: { releaseName?: string; valueFiles?: string[]; valuesObject?: Values };
}

interface Application {
  metadata: { name: string };
  spec: { source: ArgoSource; destination: { namespace: string } };
}

interface ApplicationSet {
  spec: {
    template: {
      metadata: { name: string };
      spec: { sources: [ArgoSource, ArgoSource]; destination: { namespace: string } };
    };
  };
}

interface Source {
  metadata: { name: string; namespace: string };
  spec: { url: string; ref: { tag: string } };
}

interface HelmRelease {
  metadata: { name: string; namespace: string };
  spec: { chartRef: { kind: string; name: string }; values: Values };
}

interface Dependency {
  name: string;
  alias: string;
  version: string;
  repository: string;
}

const PAGE = read('docs/gitops.md');
const CHART_URL = 'oci://ghcr.io/etcd-upkeep/charts/etcd-upkeep';

/** The blocks of code below a heading, up to the next one. */
function blocksOf(heading: string, language = 'yaml'): string[] {
  const [, section = ''] = PAGE.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const [own = ''] = section.split(/^##/m);
  const found = Array.from(
    own.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm')),
    ([, text = '']) => text,
  );
  assert.ok(found.length > 0, heading);
  return found;
}

const parsed = (text: string): Manifest[] =>
  parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    assert.deepEqual(document.errors, []);
    const manifest: Manifest | null = document.toJS();
    return manifest === null ? [] : [manifest];
  });

interface Install {
  release: string;
  namespace: string;
  values: object;
  /** More of what a tool gives to helm. */
  flags?: string[];
}

/** The objects, which both helms have to make of it, twice and with one text each time. */
async function rendered({ release, namespace, values, flags = [] }: Install): Promise<Manifest[]> {
  const command = ['template', release, CHART, '--namespace', namespace, ...flags];
  const all = await Promise.all(
    HELM_VERSIONS.map(async (version) => {
      const [first, again] = [
        await runHelm(command, { helm: version, values }),
        await runHelm(command, { helm: version, values }),
      ];
      assert.equal(again, first);
      return parsed(first);
    }),
  );
  const [first = [], ...others] = all;
  for (const other of others) assert.deepEqual(other, first);
  assert.ok(first.some(({ kind }) => kind === 'CronJob'));
  assert.deepEqual(first, await render({ release, namespace, values }));
  return first;
}

const kindsOf = (manifests: Manifest[]): string[] => manifests.map(({ kind }) => kind).toSorted();

test('no value of the page is null, and every version is that of this source', () => {
  for (const [, block = ''] of PAGE.matchAll(/^```yaml\n([^]*?)^```$/gm)) {
    assert.doesNotMatch(JSON.stringify(parsed(block)), /null/);
  }
  const versions = PAGE.match(/(?<=(targetRevision|tag|version): |version {4}= ")\d[\d.]*\b/g) ?? [];
  assert.equal(versions.length, 7, versions.join(' '));
  // The chart that has this one as a part has a version of its own.
  assert.deepEqual(new Set(versions), new Set([packageJson.version, '1.0.0']));
});

describe('Argo CD', () => {
  // As its repo server calls helm.
  const flags = [
    '--include-crds',
    '--kube-version=1.36.3',
    '--api-versions=batch/v1/CronJob',
    '--api-versions=monitoring.coreos.com/v1/PrometheusRule',
  ];

  test('the Application', async () => {
    const [block = ''] = blocksOf('Argo CD');
    const { metadata, spec }: Application = parse(block);
    assert.deepEqual([spec.source.repoURL, spec.source.targetRevision], [CHART_URL, packageJson.version]);
    const values = spec.source.helm?.valuesObject;
    assert.ok(values);
    const install = { release: metadata.name, namespace: spec.destination.namespace, values, flags };
    assert.deepEqual(kindsOf(await rendered(install)), ['CronJob', 'PrometheusRule', 'ServiceAccount']);
  });

  test('many clusters: a folder and a minute for each, and else the same', async () => {
    const [set = '', file = ''] = blocksOf('Many clusters');
    const { spec }: ApplicationSet = parse(set);
    const { sources, destination } = spec.template.spec;
    const [{ repoURL, helm: settings }, values] = sources;
    assert.equal(repoURL, CHART_URL);
    assert.deepEqual(settings?.valueFiles, [`$${values.ref}/etcd-upkeep/values.yaml`]);
    const shared: Values = parse(file);

    const clusters = await Promise.all(
      ['a', 'b', 'c'].map(async (cluster) => {
        const own: Values = JSON.parse(
          JSON.stringify(settings.valuesObject).replaceAll('{{ .nameNormalized }}', cluster),
        );
        const install = {
          release: settings.releaseName ?? '',
          namespace: destination.namespace,
          values: { ...shared, ...own },
        };
        await rendered({ ...install, flags });
        const { CLUSTER_NAME, ...env } = await renderEnv(install);
        assert.equal(CLUSTER_NAME, cluster);
        const { metadata, spec: cronJob } = await renderCronJob(install);
        return { env, name: metadata.name, schedule: cronJob.schedule };
      }),
    );
    assert.equal(new Set(clusters.map(({ schedule }) => schedule)).size, clusters.length);
    for (const { env, name } of clusters) {
      assert.equal(name, 'etcd-upkeep');
      assert.deepEqual(env, clusters[0]?.env);
    }
  });
});

test('Flux: the HelmRelease and its source', async () => {
  const [block = ''] = blocksOf('Flux');
  const [source, release]: [Source, HelmRelease] = JSON.parse(JSON.stringify(parsed(block)));
  assert.deepEqual([source.spec.url, source.spec.ref.tag], [CHART_URL, packageJson.version]);
  assert.deepEqual(release.spec.chartRef, { kind: 'OCIRepository', name: source.metadata.name });
  assert.equal(release.metadata.namespace, source.metadata.namespace);
  const manifests = await rendered({
    release: release.metadata.name,
    namespace: release.metadata.namespace,
    values: release.spec.values,
  });
  const expected = ['CronJob', 'NetworkPolicy', 'PersistentVolumeClaim', 'ServiceAccount'];
  assert.deepEqual(kindsOf(manifests), expected);
});

test('Terraform: values and what is set beside them', async () => {
  const [block = ''] = blocksOf('Terraform', 'hcl');
  const [, text = ''] = /<<-YAML\n([^]*?)^ *YAML$/m.exec(block) ?? [];
  const values: Values = parse(text);
  const settings = Array.from(
    block.matchAll(/\{ name = "(.+?)", value = "(.*?)"(?:, type = "(\w+)")? \}/g),
    ([, name, value, type]) => `--set${type === 'string' ? '-string' : ''}=${name}=${value}`,
  );
  assert.equal(settings.length, 2);
  for (const version of HELM_VERSIONS) {
    const command = ['template', 'etcd-upkeep', CHART, '--namespace=kube-system', ...settings];
    const manifests = parsed(await runHelm(command, { helm: version, values }));
    const backup = { ...Object(values['backup']), keepLast: 14 };
    assert.deepEqual(manifests, await render({ values: { ...values, clusterName: '0042', backup } }));
  }
});

describe('as a part of another chart', { concurrency: 2 }, () => {
  const [chart = '', values = ''] = blocksOf('As a part of another chart');
  const dependencies: Dependency[] = parse(chart).dependencies;
  const valuesOf: Record<string, Values> = parse(values);

  for (const version of HELM_VERSIONS) {
    test(`helm ${version}: the objects of the chart alone, under the alias as its name`, async () => {
      await using scratch = await scratchFolder('parent');
      const manifests = await renderParent(scratch.path, version);
      for (const { alias, ...dependency } of dependencies) {
        assert.equal(`${dependency.repository}/${dependency.name}`, CHART_URL);
        const alone = await render({
          helm: version,
          release: 'platform',
          values: { ...valuesOf[alias], nameOverride: alias },
        });
        const own = manifests.filter(({ metadata }) => metadata.labels['app.kubernetes.io/name'] === alias);
        assert.deepEqual(own.map(withoutChartLabel), alone.map(withoutChartLabel));
        for (const { metadata } of own) assert.equal(metadata.name, `platform-${alias}`);
      }
      assert.equal(manifests.length, 2 * dependencies.length);
    });
  }

  async function renderParent(folder: string, version: HelmVersion): Promise<Manifest[]> {
    const local = { ...parse(chart), dependencies: dependencies.map(fromHere) };
    const parent = join(folder, 'platform');
    await mkdir(parent);
    await writeFile(join(parent, 'Chart.yaml'), stringify(local));
    await writeFile(join(parent, 'values.yaml'), values);
    // Helm keeps what it knows of registries in the home folder.
    const options = { env: { ...plainEnv(), HOME: folder } };
    const program = await helm(version);
    await runProgram(program, ['dependency', 'update', parent], options);
    const command = ['template', 'platform', parent, '--namespace=kube-system'];
    const text = await runProgram(program, command, options);
    assert.equal(await runProgram(program, command, options), text);
    return parsed(text);
  }
});

const fromHere = (dependency: Dependency): Dependency => ({ ...dependency, repository: `file://${CHART}` });

/** It names the chart, and so the alias. */
function withoutChartLabel(manifest: Manifest): unknown {
  return JSON.parse(JSON.stringify(manifest), (key, value: unknown) =>
    key === 'helm.sh/chart' ? undefined : value,
  );
}
