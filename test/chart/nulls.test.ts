import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { HELM_VERSIONS, render, renderCronJob, type RenderOptions, renderText } from './chart.ts';
import { DEFAULTS, defaultsTemplate } from './docs.ts';
import { KNOWN_PATHS, withNull } from './values.ts';

/**
 * Helm takes a key away whose value is null; as a part of another chart, and behind other installers, the null is lost or
 * arrives. So null has to mean one thing wherever it comes from: the default.
 */

/** Most of what the chart can make. Each key is set to null in here too: templates read most keys only then. */
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
  drill: { enabled: true, ageIdentity: { existingSecret: 'backup-key' } },
  metrics: { pushgatewayUrl: 'http://pushgateway:9091', textfile: { enabled: true } },
  heartbeat: { existingSecret: 'heartbeat' },
  prometheusRule: { enabled: true },
  dashboard: { enabled: true },
  networkPolicy: { enabled: true },
};

/** Helm's own words for a template that met what it did not expect. */
const CRASH = /nil pointer|error calling|can't evaluate|wrong type|parse error|%!/;

async function withoutCrash(options: RenderOptions): Promise<void> {
  const manifests = await render(options).catch(({ message }: Error) => {
    assert.doesNotMatch(message, CRASH);
    return [];
  });
  assert.doesNotMatch(JSON.stringify(manifests), /:null[,}]|<nil>|%!/);
}

test('the templates know the defaults', async () => {
  const said = 'values.yaml changed: npm run docs writes it anew';
  assert.ok((await readFile(DEFAULTS, 'utf8')) === (await defaultsTemplate()), said);
});

for (const helm of HELM_VERSIONS) {
  describe(`null with helm ${helm}`, { concurrency: 2 }, async () => {
    const standard = await renderText({ helm });
    for (const path of KNOWN_PATHS) {
      const name = path.join('.');

      test(`${name} is its default then`, async () => {
        assert.equal(await renderText({ helm, values: withNull({}, path) }), standard);
      });

      test(`${name} among all that the chart can make`, async () => {
        await withoutCrash({ helm, values: withNull(EVERYTHING, path) });
      });
    }
  });
}

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
