import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HELM_VERSIONS, type Manifest, render } from './chart.ts';
import type { HelmVersion } from '../support/tools.ts';
import { EVERY_KIND } from './values.ts';
import { renderPart } from './wrapper.ts';

interface Metadata {
  name?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

const COMPONENT = 'app.kubernetes.io/component';
const OWN = {
  'helm.sh/chart': 'etcd-upkeep-0.1.0',
  'app.kubernetes.io/name': 'etcd-upkeep',
  'app.kubernetes.io/instance': 'etcd-upkeep',
  'app.kubernetes.io/version': '0.1.0',
  'app.kubernetes.io/managed-by': 'Helm',
};

/** Every metadata in there, by its path: of the object, of the Jobs and of the pods that it makes. */
function metadataIn(value: unknown, path: string): [path: string, metadata: Metadata][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]): [string, Metadata][] =>
    key === 'metadata' ? [[path, below]] : metadataIn(below, `${path}.${key}`),
  );
}

/** By the kind and, below it, the field: `CronJob/etcd-upkeep.spec.jobTemplate`. */
function metadataOf(manifests: Manifest[]): Record<string, Metadata> {
  return Object.fromEntries(
    manifests.flatMap((manifest) => metadataIn(manifest, `${manifest.kind}/${manifest.metadata.name}`)),
  );
}

const componentOf = (place: string): Record<string, string> => {
  const [, component] = /-(drill|browse)(?![a-z])/.exec(place) ?? [];
  return component === undefined ? {} : { [COMPONENT]: component };
};

const KEEP = { 'helm.sh/resource-policy': 'keep' };
const DELETE = { 'helm.sh/resource-policy': 'delete' };

async function foundWith(helm: HelmVersion, values: object): Promise<Record<string, Metadata>> {
  return metadataOf(await render({ helm, values: { ...EVERY_KIND, ...values } }));
}

const policiesOf = (manifests: Manifest[]): object[] =>
  manifests.flatMap(({ kind, spec }) => (kind === 'NetworkPolicy' ? [spec] : []));

const JOB = '.spec.jobTemplate';
const POD = '.spec.jobTemplate.spec.template';
const PLACES = [
  ...['etcd-upkeep', 'etcd-upkeep-drill', 'etcd-upkeep-browse'].flatMap((name) =>
    ['', JOB, POD].map((place) => `CronJob/${name}${place}`),
  ),
  'NetworkPolicy/etcd-upkeep',
  'NetworkPolicy/etcd-upkeep-drill',
  'NetworkPolicy/etcd-upkeep-browse',
  'PersistentVolumeClaim/etcd-upkeep-backups',
  'ConfigMap/etcd-upkeep-dashboard',
  'PrometheusRule/etcd-upkeep',
  'ServiceAccount/etcd-upkeep',
];

for (const helm of HELM_VERSIONS) {
  describe(`with helm ${helm}`, { concurrency: 2 }, () => {
    test('what is common to all is on every object, every Job and every pod', async () => {
      const commonLabels = { team: 'storage', 'example.com/cost': '42' };
      const commonAnnotations = { 'example.com/owner': 'storage' };
      const all = await foundWith(helm, { commonLabels, commonAnnotations });
      assert.deepEqual(Object.keys(all).toSorted(), PLACES.toSorted());
      for (const [place, { labels, annotations }] of Object.entries(all)) {
        const own = componentOf(place);
        const kind = place.startsWith('ConfigMap') ? { grafana_dashboard: '1' } : {};
        assert.deepEqual(labels, { ...commonLabels, ...kind, ...own, ...OWN }, place);
        const kept = place.startsWith('Persistent') ? KEEP : {};
        assert.deepEqual(annotations, { ...commonAnnotations, ...kept }, place);
      }
    });

    test('nothing is there that nobody asked for', async () => {
      for (const [place, { annotations }] of Object.entries(await foundWith(helm, {}))) {
        if (!place.startsWith('Persistent')) assert.equal(annotations, undefined, place);
      }
    });

    test('CronJobs, Jobs and pods have what is theirs alone', async () => {
      const all = await foundWith(helm, {
        cronJobLabels: { a: 'cron-job' },
        cronJobAnnotations: { b: 'cron job' },
        jobLabels: { 'kueue.x-k8s.io/queue-name': 'nightly' },
        jobAnnotations: { 'argocd.argoproj.io/hook': 'Skip' },
        podLabels: { e: 'pod' },
        podAnnotations: { f: 'pod' },
      });
      for (const name of ['etcd-upkeep', 'etcd-upkeep-drill', 'etcd-upkeep-browse']) {
        const of = (place: string) => ({
          ...all[`CronJob/${name}${place}`],
          name: undefined,
          namespace: undefined,
        });
        const rest = { name: undefined, namespace: undefined };
        const labels = { ...OWN, ...componentOf(name) };
        assert.deepEqual(of(''), {
          ...rest,
          labels: { ...labels, a: 'cron-job' },
          annotations: { b: 'cron job' },
        });
        assert.deepEqual(of(JOB), {
          ...rest,
          labels: { ...labels, 'kueue.x-k8s.io/queue-name': 'nightly' },
          annotations: { 'argocd.argoproj.io/hook': 'Skip' },
        });
        assert.deepEqual(of(POD), { ...rest, labels: { ...labels, e: 'pod' }, annotations: { f: 'pod' } });
      }
      assert.ok(!JSON.stringify(all['ServiceAccount/etcd-upkeep']).includes('nightly'));
    });

    test('what is given for one kind wins over what is common, an empty text too', async () => {
      const common = { team: 'all', empty: 'no' };
      const own = { team: 'mine', empty: '' };
      const all = await foundWith(helm, {
        commonLabels: common,
        commonAnnotations: common,
        cronJobLabels: own,
        cronJobAnnotations: own,
        jobLabels: own,
        jobAnnotations: own,
        podLabels: own,
        podAnnotations: own,
        serviceAccount: { annotations: own },
        prometheusRule: { enabled: true, labels: own, annotations: own },
        dashboard: { enabled: true, labels: own, annotations: own },
        backup: { persistence: { enabled: true, annotations: own } },
      });
      for (const [place, { labels, annotations }] of Object.entries(all)) {
        const expected = place.startsWith('NetworkPolicy') ? common : own;
        for (const [key, value] of Object.entries(expected)) {
          if (!/^(ServiceAccount|Persistent)/.test(place)) assert.equal(labels?.[key], value, place);
          assert.equal(annotations?.[key], value, place);
        }
      }
    });

    test("the chart's own labels cannot be taken away, and selectors have no others", async () => {
      const standard = await render({ helm, values: EVERY_KIND });
      for (const value of ['drill', 'browse']) {
        const evil = Object.fromEntries([...Object.keys(OWN), COMPONENT].map((key) => [key, value]));
        const labels = { commonLabels: evil, cronJobLabels: evil, jobLabels: evil, podLabels: evil };
        assert.deepEqual(await render({ helm, values: { ...EVERY_KIND, ...labels } }), standard);
      }

      const more = await render({ helm, values: { ...EVERY_KIND, commonLabels: { team: 'storage' } } });
      assert.deepEqual(policiesOf(more), policiesOf(standard));
    });

    test('another component stays on what has none', async () => {
      const all = await foundWith(helm, { commonLabels: { [COMPONENT]: 'backup' } });
      for (const [place, { labels }] of Object.entries(all)) {
        assert.equal(labels?.[COMPONENT], componentOf(place)[COMPONENT] ?? 'backup', place);
      }
    });

    test('backups stay with their claim, unless its own annotations say otherwise', async () => {
      const claim = 'PersistentVolumeClaim/etcd-upkeep-backups';
      const common = await foundWith(helm, { commonAnnotations: DELETE });
      assert.deepEqual(common[claim]?.annotations, KEEP);
      const own = { persistence: { enabled: true, annotations: DELETE } };
      assert.deepEqual((await foundWith(helm, { backup: own }))[claim]?.annotations, DELETE);
    });

    test('a null among them is nothing, here and as a part of another chart', async () => {
      const nulls = { gone: null };
      const values = {
        ...EVERY_KIND,
        commonLabels: nulls,
        commonAnnotations: nulls,
        cronJobLabels: nulls,
        cronJobAnnotations: nulls,
        jobLabels: nulls,
        jobAnnotations: nulls,
        podLabels: nulls,
        podAnnotations: nulls,
        serviceAccount: { annotations: nulls },
        prometheusRule: { enabled: true, labels: nulls, annotations: nulls },
        dashboard: { enabled: true, labels: nulls, annotations: nulls },
        backup: { persistence: { enabled: true, annotations: nulls } },
      };
      const standard = await render({ helm, values: EVERY_KIND });
      assert.deepEqual(await render({ helm, values }), standard);
      assert.deepEqual(await renderPart({ helm, values }), await renderPart({ helm, values: EVERY_KIND }));
    });

    test("another chart's global reaches its part", async () => {
      const global = { imageRegistry: 'mirror.example', imagePullSecrets: ['mirror'], other: { a: 1 } };
      const text = JSON.stringify(await renderPart({ helm, global }));
      assert.match(text, /"image":"mirror\.example\/etcd-upkeep\/etcd-upkeep:/);
      assert.match(text, /"imagePullSecrets":\[\{"name":"mirror"\}\]/);
    });

    for (const [what, values, message] of [
      [
        'a label with a blank',
        { commonLabels: { team: 'a b' } },
        /at '\/commonLabels\/team': 'a b' does not match/,
      ],
      [
        'a label that is too long',
        { jobLabels: { team: 'a'.repeat(64) } },
        /at '\/jobLabels\/team': 'a+' does not/,
      ],
      [
        'a key with a blank',
        { podLabels: { 'a b': 'c' } },
        /at '\/podLabels\/a b': value must be 'under another key/,
      ],
      [
        'a key with two slashes',
        { commonAnnotations: { 'a/b/c': 'd' } },
        /at '\/commonAnnotations\/a~1b~1c': value must be 'under another key/,
      ],
      [
        'a number',
        { cronJobLabels: { cost: 42 } },
        /at '\/cronJobLabels\/cost': got number, want null or string/,
      ],
    ] as const) {
      test(`${what} is refused by its key`, async () => {
        await assert.rejects(render({ helm, values }), message);
      });
    }
  });
}
