import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HELM_VERSIONS, type Manifest, render } from './chart.ts';
import type { HelmVersion } from '../support/tools.ts';
import { renderPart } from './wrapper.ts';

const LONG =
  'from {{ printf "%s, with so many words that YAML would fold them in the middle of what is a template" .Release.Name }}';

const MAP = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: '{{ include "etcd-upkeep.fullname" . }}-map' },
  data: {
    plain: "it's as it is: # 'quoted' \"twice\"",
    level: '{{ .Values.logLevel }}',
    long: LONG,
    quoted: 'it\'s {{ "it\'s" }}',
    lines: 'first\n  second {{ .Release.Namespace }}\n',
    '{{ .Release.Name }}.key': 'yes',
  },
};
const TEXT = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-text
  labels:
    {{- include "etcd-upkeep.labels" . | nindent 4 }}
data:
  {{- range .Values.etcd.endpoints }}
  endpoint: {{ . | quote }}
  {{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: second}
`;
const RULE = {
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'thing' },
  spec: {
    large: 10_000_000,
    small: 0.00001,
    on: false,
    list: ['{{ .Release.Name }}', 1, { a: '{{ 1 }}' }],
    empty: [],
  },
};

async function added(helm: HelmVersion, extraObjects: unknown): Promise<Manifest[]> {
  const standard = new Set((await render({ helm })).map(identity));
  const all = await render({ helm, values: { extraObjects } });
  return all.filter((manifest) => !standard.has(identity(manifest)));
}

const identity = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`;

for (const helm of HELM_VERSIONS) {
  describe(`with helm ${helm}`, { concurrency: 2 }, () => {
    test('a map: each of its texts may be a template, and nothing else changes', async () => {
      assert.deepEqual(await added(helm, [MAP]), [
        {
          ...MAP,
          metadata: { name: 'etcd-upkeep-map' },
          data: {
            plain: MAP.data.plain,
            level: 'info',
            long: 'from etcd-upkeep, with so many words that YAML would fold them in the middle of what is a template',
            quoted: "it's it's",
            lines: 'first\n  second kube-system\n',
            'etcd-upkeep.key': 'yes',
          },
        },
      ]);
      const spec = { ...RULE.spec, list: ['etcd-upkeep', 1, { a: '1' }] };
      assert.deepEqual(await added(helm, [RULE]), [{ ...RULE, spec }]);
    });

    test('a text: one object or several, with the values and helpers of the chart', async () => {
      const [first, second, ...others] = await added(helm, [TEXT]);
      assert.deepEqual(
        [first?.metadata.name, second?.metadata.name, others.length],
        ['etcd-upkeep-text', 'second', 0],
      );
      assert.equal(first?.metadata.labels['app.kubernetes.io/name'], 'etcd-upkeep');
      assert.match(JSON.stringify(first), /"endpoint":"https:\/\/127\.0\.0\.1:2379"/);
    });

    test('each is a document of its own; what is empty is none', async () => {
      assert.equal((await added(helm, [MAP, TEXT, '', null, '{{ if false }}x{{ end }}', RULE])).length, 4);
      assert.deepEqual(await added(helm, []), []);
      assert.deepEqual(await added(helm, null), []);
    });

    test('the same as a part of another chart', async () => {
      const values = { extraObjects: [MAP, TEXT, RULE] };
      assert.deepEqual(await renderPart({ helm, values }), await render({ helm, values }));
    });

    test('what is no object is refused', async () => {
      await assert.rejects(
        added(helm, [{ kind: 'ConfigMap' }]),
        /at '\/extraObjects\/0': missing property 'apiVersion'/,
      );
      await assert.rejects(added(helm, [5]), /at '\/extraObjects\/0': got number/);
      await assert.rejects(added(helm, { a: MAP }), /at '\/extraObjects': got object, want null or array/);
    });
  });
}
