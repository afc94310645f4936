import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, test } from 'node:test';
import { HELM_VERSIONS, parseManifests, renderCronJob, renderText } from './chart.ts';
import { DEFAULTS, defaultsTemplate } from './docs.ts';
import { renderTexts } from './many.ts';
import { problemsOf } from './schema.ts';
import { KNOWN_PATHS, nullsAt, valueAt, withNull, without } from './values.ts';

/**
 * Helm takes a key away whose value is null; as a part of another chart, and behind other installers, the null is lost or
 * arrives. So null has to mean one thing wherever it comes from: the default.
 */

/** Most of what the chart can make: templates read most keys only then. */
const EVERYTHING = {
  clusterName: 'production',
  runOnInstall: true,
  hostNetwork: false,
  etcd: {
    tls: { existingSecret: 'etcd-client', ca: { existingConfigMap: 'etcd-ca' } },
    auth: { username: 'root', existingSecret: 'etcd-root' },
  },
  backup: {
    persistence: { enabled: true },
    s3: { existingSecret: 'bucket', ca: { existingSecret: 'bucket-ca' } },
  },
  drill: {
    enabled: true,
    ageIdentity: { existingSecret: 'backup-key' },
    kubernetes: {
      enabled: true,
      image: 'kube-apiserver:v1.36.3',
      encryptionConfig: { existingSecret: 'encryption' },
    },
  },
  browse: { enabled: true },
  metrics: { pushgatewayUrl: 'http://pushgateway:9091', textfile: { enabled: true } },
  heartbeat: { existingSecret: 'heartbeat' },
  prometheusRule: { enabled: true },
  dashboard: { enabled: true },
  networkPolicy: { enabled: true },
};

/** What helm makes of each of these values, or that it refuses them. */
async function outcomesOf(rows: readonly object[]): Promise<string[]> {
  const problems = await problemsOf('4.3', rows);
  const taken = rows.filter((_, index) => problems[index]?.length === 0);
  const texts = await renderTexts(taken, { withoutSchema: true });
  return problems.map((said) =>
    said.length > 0
      ? 'refused'
      : (texts.shift() ?? assert.fail()).replaceAll(/-first-[0-9a-f]{8}/g, '-first'),
  );
}

test('the templates know the defaults', async () => {
  const said = 'values.yaml changed: npm run docs writes it anew';
  assert.ok((await readFile(DEFAULTS, 'utf8')) === (await defaultsTemplate()), said);
});

const LEVELS = [...new Set(KNOWN_PATHS.map(({ length }) => length))];

for (const helm of HELM_VERSIONS) {
  describe(`every key that is not set, as null with helm ${helm}`, { concurrency: 2 }, () => {
    for (const [name, base] of Object.entries({
      'the defaults': {},
      'all that the chart can make': EVERYTHING,
    })) {
      const standard = renderText({ helm, values: base });
      for (const level of LEVELS) {
        test(`${name}, level ${level}`, async () => {
          assert.equal(await renderText({ helm, values: nullsAt(level, base) }), await standard);
        });
      }
    }
  });
}

describe('each key alone, among all that the chart can make', () => {
  const rows = KNOWN_PATHS.map((path) => ({
    path: path.join('.'),
    asNull: withNull(EVERYTHING, path),
    asDefault: valueAt(EVERYTHING, path) === undefined ? EVERYTHING : without(EVERYTHING, path),
  }));
  const defaults = [...new Set(rows.map(({ asDefault }) => asDefault))];
  let made: string[];
  let expected: Map<object, string>;
  before(async () => {
    made = await outcomesOf(rows.map(({ asNull }) => asNull));
    const outcomes = await outcomesOf(defaults);
    expected = new Map(defaults.map((values, index) => [values, outcomes[index] ?? '']));
  });

  for (const [index, { path, asDefault }] of rows.entries()) {
    test(`${path} is its default where it is null`, () => {
      assert.equal(made[index], expected.get(asDefault));
    });
  }

  test('and nothing in the objects is null', () => {
    const all = [...expected.values()].filter((outcome) => outcome !== 'refused');
    assert.ok(all.length > 20, `${all.length}`);
    for (const text of all) {
      assert.doesNotMatch(JSON.stringify(parseManifests(text)), /:null[,}]|<nil>|%!/);
    }
  });
});

test('a null in a part of a pod takes that part away, in both helms', async () => {
  const values = { resources: { limits: null }, podSecurityContext: { fsGroupChangePolicy: null } };
  for (const helm of HELM_VERSIONS) {
    const pod = (await renderCronJob({ helm, values })).spec.jobTemplate.spec.template.spec;
    assert.deepEqual(pod.containers[0]['resources'], { requests: { cpu: '100m', memory: '192Mi' } });
    assert.ok(!Object.keys(pod['securityContext'] ?? {}).includes('fsGroupChangePolicy'));
  }
});

test('numbers may come as text', async () => {
  const numbers = {
    startingDeadlineSeconds: 100,
    activeDeadlineSeconds: 20_000,
    backoffLimit: 0,
    etcd: { members: 3 },
    networkPolicy: { enabled: true, etcd: { ports: [12_379] } },
    prometheusRule: {
      enabled: true,
      etcd: { quota: { info: 0.5 }, fragmentation: { minBytes: 1_000_000_000 } },
    },
    hostNetwork: false,
    drill: { enabled: true, activeDeadlineSeconds: 600 },
    podSecurityContext: { runAsUser: 1000, fsGroup: 0 },
  };
  const asText: object = JSON.parse(JSON.stringify(numbers), (_, value) =>
    typeof value === 'number' ? String(value) : value,
  );
  for (const helm of HELM_VERSIONS) {
    assert.equal(await renderText({ helm, values: asText }), await renderText({ helm, values: numbers }));
  }
});
