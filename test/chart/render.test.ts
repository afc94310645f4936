import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from '../support/tools.ts';
import {
  CHART,
  HELM_VERSIONS,
  nameOf,
  type RenderOptions,
  render,
  renderCronJob,
  renderEnv,
  renderPod,
  runHelm,
  valuesFiles,
} from './chart.ts';

const NO_TLS = { etcd: { endpoints: ['http://127.0.0.1:2379'], tls: { enabled: false } } };

describe('the values files', { concurrency: 2 }, async () => {
  for (const file of await valuesFiles()) {
    test(`${nameOf(file)}: both helms render the same, and lint it`, async () => {
      const [first, ...others] = await Promise.all(HELM_VERSIONS.map((helm) => render({ helm, file })));
      for (const other of others) assert.deepEqual(other, first);
      for (const helm of HELM_VERSIONS) await runHelm(['lint', '--strict', CHART], { helm, file });
    });
  }
});

describe('the environment', () => {
  test('the default values say what a run without any variables does', async () => {
    const rendered = await renderEnv({ values: NO_TLS });
    const env = { ETCDCTL_ENDPOINTS: 'http://127.0.0.1:2379' };
    assert.deepEqual(loadConfig(rendered), loadConfig(env));
  });

  test('every value arrives under its variable', async () => {
    const rendered = await renderEnv({
      values: {
        clusterName: 'c',
        dryRun: true,
        logLevel: 'debug',
        lockTtl: '30s',
        consistencyCheck: false,
        alarmDisarm: false,
        etcd: {
          endpoints: ['https://a:2379', 'https://b:2379'],
          discoverMembers: false,
          dialTimeout: '1s',
          commandTimeout: '2s',
          quotaBytes: 8_589_934_592,
        },
        backup: {
          enabled: false,
          skipConfirmed: true,
          store: 'file:///elsewhere',
          compression: 'none',
          keepLast: 1,
          keepDaily: 2,
          keepWeekly: 3,
          keepMonthly: 4,
          timeout: '3m',
          s3: { region: 'r', endpoint: 'https://e' },
        },
        compaction: { enabled: false, retention: 12_345_678, timeout: '4m' },
        defrag: {
          enabled: false,
          minFragmentation: 0.3,
          minDbSize: '1Gi',
          quotaUsage: 1,
          minReclaim: 104_857_600,
          moveLeader: false,
          singleMember: false,
          wait: '5s',
          timeout: '6m',
          allowKnownBadVersions: true,
        },
      },
    });
    assert.deepEqual(rendered, {
      ETCDCTL_ENDPOINTS: 'https://a:2379,https://b:2379',
      ETCDCTL_CACERT: '/pki/ca.crt',
      ETCDCTL_CERT: '/pki/client.crt',
      ETCDCTL_KEY: '/pki/client.key',
      ETCDCTL_DIAL_TIMEOUT: '1s',
      ETCDCTL_COMMAND_TIMEOUT: '2s',
      DISCOVER_MEMBERS: 'false',
      QUOTA_BYTES: '8589934592',
      CLUSTER_NAME: 'c',
      DRY_RUN: 'true',
      LOG_LEVEL: 'debug',
      LOCK_TTL: '30s',
      CONSISTENCY_CHECK: 'false',
      ALARM_DISARM: 'false',
      BACKUP_ENABLED: 'false',
      BACKUP_SKIP_CONFIRMED: 'true',
      BACKUP_STORE: 'file:///elsewhere',
      BACKUP_COMPRESSION: 'none',
      BACKUP_KEEP_LAST: '1',
      BACKUP_KEEP_DAILY: '2',
      BACKUP_KEEP_WEEKLY: '3',
      BACKUP_KEEP_MONTHLY: '4',
      BACKUP_TIMEOUT: '3m',
      AWS_REGION: 'r',
      AWS_ENDPOINT_URL_S3: 'https://e',
      COMPACTION_ENABLED: 'false',
      COMPACTION_RETENTION: '12345678',
      COMPACTION_TIMEOUT: '4m',
      DEFRAG_ENABLED: 'false',
      DEFRAG_MIN_FRAGMENTATION: '0.3',
      DEFRAG_MIN_DB_SIZE: '1Gi',
      DEFRAG_QUOTA_USAGE: '1',
      DEFRAG_MIN_RECLAIM: '104857600',
      DEFRAG_MOVE_LEADER: 'false',
      DEFRAG_SINGLE_MEMBER: 'false',
      DEFRAG_WAIT: '5s',
      DEFRAG_TIMEOUT: '6m',
      DEFRAG_ALLOW_KNOWN_BAD_VERSIONS: 'true',
    });
  });

  test('0 and false are told; null leaves the run its own default', async () => {
    const env = await renderEnv({
      values: { backup: { keepLast: 0, keepDaily: null }, defrag: { wait: '0' } },
    });
    assert.equal(env.BACKUP_KEEP_LAST, '0');
    assert.equal(env.DEFRAG_WAIT, '0');
    assert.equal(env.BACKUP_SKIP_CONFIRMED, 'false');
    assert.ok(!('BACKUP_KEEP_DAILY' in env));
  });

  test('secrets come from Secrets, never as text', async () => {
    for (const file of ['password', 's3']) {
      const [{ env }] = (await renderPod({ file: join(CHART, 'ci', `${file}-values.yaml`) })).containers;
      const secret = env.filter(({ name }) => /PASSWORD|USER|SECRET|ACCESS_KEY/.test(name));
      assert.equal(secret.length, 2);
      for (const { value, valueFrom } of secret) {
        assert.equal(value, undefined);
        assert.ok(valueFrom && 'secretKeyRef' in valueFrom);
      }
    }
  });
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
        /^(CronJob|ServiceAccount|NetworkPolicy)\/kube-system\/etcd-upkeep$|^PersistentVolumeClaim\/kube-system\/etcd-upkeep-backups$/,
      );
    }
  }
  const policies = await render({ file: join(CHART, 'ci/external-values.yaml') });
  assert.deepEqual(policies.find(({ kind }) => kind === 'NetworkPolicy')?.spec, {
    podSelector: {
      matchLabels: { 'app.kubernetes.io/name': 'etcd-upkeep', 'app.kubernetes.io/instance': 'etcd-upkeep' },
    },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [],
    egress: [
      { ports: [{ protocol: 'TCP', port: 2379 }], to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] },
      {
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
    ],
  });
});

test('the longest names stay within what Kubernetes allows', async () => {
  const release = 'a-release-whose-name-is-as-long-as-helm-lets-it-be-xx';
  const [first, ...others] = (await render({ release })).map(({ metadata }) => metadata.name);
  assert.ok((first?.length ?? 0) <= 52 && others.every((name) => name === first), first);
});

test('the default pod is a control plane pod with no rights but root to read the keys', async () => {
  const { concurrencyPolicy, jobTemplate } = (await renderCronJob()).spec;
  assert.equal(concurrencyPolicy, 'Forbid');
  const { podFailurePolicy, backoffLimit, template } = jobTemplate.spec;
  assert.equal(backoffLimit, 2);
  assert.deepEqual(podFailurePolicy, {
    rules: [
      {
        action: 'FailJob',
        onExitCodes: { containerName: 'etcd-upkeep', operator: 'In', values: [2, 5, 6] },
      },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ],
  });
  const { containers, volumes, ...pod } = template.spec;
  assert.deepEqual(pod, {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 60,
    serviceAccountName: 'etcd-upkeep',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostNetwork: true,
    priorityClassName: 'system-cluster-critical',
    nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  });
  assert.deepEqual(volumes, [
    hostFile('etcd-ca', '/etc/kubernetes/pki/etcd/ca.crt'),
    hostFile('etcd-cert', '/etc/kubernetes/pki/etcd/healthcheck-client.crt'),
    hostFile('etcd-key', '/etc/kubernetes/pki/etcd/healthcheck-client.key'),
    { name: 'backups', hostPath: { path: '/var/backups/etcd-upkeep', type: 'DirectoryOrCreate' } },
  ]);
  const [{ securityContext, volumeMounts = [] }] = containers;
  assert.deepEqual(securityContext, {
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  });
  const writable = volumeMounts.filter(({ readOnly }) => !readOnly);
  assert.deepEqual(
    writable.map(({ mountPath }) => mountPath),
    ['/backups'],
  );
});

test('chart, image and package carry one version', async () => {
  const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
  const [{ image }] = (await renderPod()).containers;
  assert.equal(image, `ghcr.io/etcd-upkeep/etcd-upkeep:${version}`);
  assert.match(chart.annotations['artifacthub.io/images'], new RegExp(`image: ${image}\\n`));
});

async function scheduleOf(options: RenderOptions): Promise<string> {
  return (await renderCronJob(options)).spec.schedule;
}

async function identities(file: string): Promise<string[]> {
  const manifests = await render({ file });
  return manifests.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`);
}

function hostFile(name: string, path: string): object {
  return { name, hostPath: { path, type: 'File' } };
}
