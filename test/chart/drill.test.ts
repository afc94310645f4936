import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  CHART,
  type Container,
  containersOf,
  cronJobIn,
  type PodSpec,
  render,
  renderCronJob,
} from './chart.ts';
import { renderEach } from './many.ts';
import { LINUX, ON_CONTROL_PLANE } from './nodes.ts';

const COMPONENT = { 'app.kubernetes.io/component': 'drill' };
const NAMES = { 'app.kubernetes.io/name': 'etcd-upkeep', 'app.kubernetes.io/instance': 'etcd-upkeep' };
const LABELS = {
  'helm.sh/chart': 'etcd-upkeep-0.1.0',
  ...NAMES,
  'app.kubernetes.io/version': '0.1.0',
  'app.kubernetes.io/managed-by': 'Helm',
  ...COMPONENT,
};
const ALL = join(CHART, 'ci/drill-values.yaml');

const drillOf = async (values: object, file?: string) =>
  (await renderCronJob({ values, ...(file !== undefined && { file }) }, 'drill')).spec;

const byName = (pod: PodSpec): Map<string, Container> =>
  new Map(containersOf(pod).map((container) => [container.name, container]));

const containersWith = async (values: object, file?: string): Promise<Map<string, Container>> =>
  byName((await drillOf(values, file)).jobTemplate.spec.template.spec);

const failJob = (containerName: string, values: number[]) => ({
  action: 'FailJob',
  onExitCodes: { containerName, operator: 'In', values },
});

const LIMITS = {
  securityContext: {
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  },
  resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '4Gi' } },
  terminationMessagePolicy: 'FallbackToLogsOnError',
};
const TOOL = {
  image: 'ghcr.io/etcd-upkeep/etcd-upkeep:0.1.0',
  imagePullPolicy: 'IfNotPresent',
  ...LIMITS,
};
const LATEST = { name: 'BACKUP', value: 'latest' };
const CHECKED = { name: 'BACKUP_CHECK_STRUCTURE', value: 'true' };
const WORK = { name: 'drill', mountPath: '/drill' };
const ETCD = { image: 'quay.io/coreos/etcd:v3.6.16', ...LIMITS, volumeMounts: [WORK] };
const SAME_FOR_BOTH = [
  '--data-dir=/drill/etcd',
  '--name=drill',
  '--initial-cluster=drill=http://127.0.0.1:2380',
  '--initial-advertise-peer-urls=http://127.0.0.1:2380',
  '--initial-cluster-token=etcd-upkeep-drill',
];

test('there is none unless it is asked for', async () => {
  for (const { kind, metadata } of await render()) {
    assert.ok(!('app.kubernetes.io/component' in metadata.labels), `${kind}/${metadata.name}`);
  }
});

test('by default: fetch, restore, serve and compare, on the control plane but never on its network', async () => {
  const spec = await drillOf({ drill: { enabled: true, schedule: '1 2 * * 3' } });
  const { containers, initContainers = [], ...pod } = spec.jobTemplate.spec.template.spec;
  assert.deepEqual(
    { ...spec, jobTemplate: undefined },
    {
      schedule: '1 2 * * 3',
      timeZone: 'Etc/UTC',
      suspend: false,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 7200,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: undefined,
    },
  );
  assert.deepEqual(
    { ...spec.jobTemplate, spec: { ...spec.jobTemplate.spec, template: undefined } },
    {
      metadata: { labels: LABELS },
      spec: {
        backoffLimit: 1,
        activeDeadlineSeconds: 2 * 3600 + 60,
        podFailurePolicy: { rules: [failJob('fetch', [2]), failJob('drill', [2, 4])] },
        template: undefined,
      },
    },
  );
  assert.deepEqual(spec.jobTemplate.spec.template.metadata, { labels: LABELS });
  assert.deepEqual(pod, {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 10,
    activeDeadlineSeconds: 3600,
    hostNetwork: false,
    serviceAccountName: 'etcd-upkeep',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: LINUX,
    ...ON_CONTROL_PLANE,
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumes: [
      { name: 'drill', emptyDir: { sizeLimit: '20Gi' } },
      { name: 'backups', hostPath: { path: '/var/backups/etcd-upkeep', type: 'DirectoryOrCreate' } },
    ],
  });
  const [fetch, restore, etcd, ...others] = initContainers;
  assert.deepEqual(others, []);
  assert.deepEqual(fetch, {
    name: 'fetch',
    ...TOOL,
    args: ['fetch', '$(BACKUP)', '/drill/snapshot.db', '--receipt', '/drill/receipt.json'],
    env: [LATEST, CHECKED, { name: 'BACKUP_STORE', value: 'file:///backups' }],
    volumeMounts: [WORK, { name: 'backups', mountPath: '/backups', readOnly: true }],
  });
  assert.deepEqual(restore, {
    name: 'restore',
    ...ETCD,
    command: ['etcdutl', 'snapshot', 'restore', '/drill/snapshot.db', ...SAME_FOR_BOTH],
  });
  const { command, ...server } = etcd ?? assert.fail('no sidecar');
  assert.ok(Array.isArray(command) && SAME_FOR_BOTH.every((flag) => command.includes(flag)));
  const listening = command.filter((flag) => /^--(listen|advertise)/.test(flag));
  assert.ok(listening.length === 3 && listening.every((flag) => flag.includes('=http://127.0.0.1:')));
  assert.deepEqual(server, {
    name: 'etcd',
    ...ETCD,
    restartPolicy: 'Always',
    startupProbe: {
      exec: {
        command: ['etcdctl', '--endpoints=http://127.0.0.1:2379', 'lease', 'keep-alive', '1'],
      },
      periodSeconds: 2,
      timeoutSeconds: 10,
      failureThreshold: 300,
    },
  });
  assert.deepEqual(containers, [
    {
      name: 'drill',
      ...TOOL,
      args: ['drill', '--receipt', '/drill/receipt.json'],
      env: [{ name: 'ETCDCTL_ENDPOINTS', value: 'http://127.0.0.1:2379' }],
      volumeMounts: [{ ...WORK, readOnly: true }],
    },
  ]);
});

test('with every value set: all of it arrives', async () => {
  const spec = await drillOf({
    clusterName: 'c',
    suspend: true,
    timeZone: 'Asia/Kolkata',
    dnsPolicy: 'Default',
    priorityClassName: 'system-cluster-critical',
    podLabels: { team: 'etcd', ...COMPONENT },
    podAnnotations: { a: 'b' },
    backup: { hostPath: '/srv' },
    drill: {
      enabled: true,
      schedule: '@weekly',
      image: 'registry.example.com/etcd:3.5',
      sizeLimit: '1Gi',
      activeDeadlineSeconds: 100,
      resources: { limits: { memory: '1Gi' } },
    },
  });
  assert.deepEqual([spec.schedule, spec.timeZone, spec.suspend], ['@weekly', 'Asia/Kolkata', true]);
  const { activeDeadlineSeconds, template } = spec.jobTemplate.spec;
  assert.equal(activeDeadlineSeconds, 260);
  assert.deepEqual(template.metadata, { labels: { ...LABELS, team: 'etcd' }, annotations: { a: 'b' } });
  const { containers, initContainers = [], volumes = [], ...pod } = template.spec;
  assert.equal(pod.dnsPolicy, 'Default');
  assert.equal(pod.activeDeadlineSeconds, 100);
  assert.ok(!('priorityClassName' in pod), 'what is critical is not evicted, not even at its size limit');
  assert.deepEqual(volumes[0], { name: 'drill', emptyDir: { sizeLimit: '1Gi' } });
  for (const { name, resources } of [...initContainers, ...containers]) {
    assert.deepEqual(resources, { ...LIMITS.resources, limits: { memory: '1Gi' } }, name);
  }
  const images = initContainers.map(({ image }) => image);
  assert.deepEqual(images.slice(1), ['registry.example.com/etcd:3.5', 'registry.example.com/etcd:3.5']);
});

describe('secrets', () => {
  test("the identity is for fetch alone, etcd's password for the scratch etcd's probe and for drill", async () => {
    const containers = await containersWith({}, ALL);
    const mounts = (name: string) => containers.get(name)?.volumeMounts?.map(({ mountPath }) => mountPath);
    assert.deepEqual(mounts('fetch'), ['/drill', '/identity', '/backups']);
    for (const name of ['restore', 'etcd', 'drill']) assert.deepEqual(mounts(name), ['/drill'], name);
    const env = (name: string) => containers.get(name)?.env ?? [];
    assert.deepEqual(env('fetch'), [
      LATEST,
      { name: 'BACKUP_AGE_IDENTITY_FILE', value: '/identity/identity.txt' },
      CHECKED,
      { name: 'BACKUP_STORE', value: 'file:///backups' },
      { name: 'CLUSTER_NAME', value: 'production' },
    ]);
    const password = ['username', 'password'].map((key, index) => ({
      name: index === 0 ? 'ETCDCTL_USER' : 'ETCDCTL_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'etcd-root', key } },
    }));
    assert.deepEqual(env('restore'), []);
    assert.deepEqual(env('etcd'), [], 'a wrong password must not keep its probe from getting through');
    assert.deepEqual(env('drill').slice(1), password);
    const { volumes } = (await drillOf({}, ALL)).jobTemplate.spec.template.spec;
    assert.deepEqual(volumes?.[1], {
      name: 'identity',
      secret: {
        secretName: 'backup-key',
        defaultMode: 0o444,
        items: [{ key: 'identity.txt', path: 'identity.txt' }],
      },
    });
  });

  test("a bucket's credentials are for fetch alone", async () => {
    const drill = { enabled: true, ageIdentity: { existingSecret: 'backup-key' } };
    const containers = await containersWith({ drill }, join(CHART, 'ci/s3-values.yaml'));
    for (const [name, { env = [] }] of containers) {
      const credentials = env.filter((variable) => variable.name.startsWith('AWS_')).length;
      assert.equal(credentials, name === 'fetch' ? 4 : 0, name);
    }
  });
});

test('extraEnv reaches fetch, which reads the store that the runs write to, and nothing else', async () => {
  const extraEnv = [
    { name: 'BACKUP_STORE', value: 's3://elsewhere' },
    { name: 'NODE_EXTRA_CA_CERTS', value: '/certs/ca.crt' },
  ];
  const containers = await containersWith({ drill: { enabled: true }, clusterName: 'c', extraEnv });
  assert.deepEqual(containers.get('fetch')?.env, [
    LATEST,
    CHECKED,
    { name: 'CLUSTER_NAME', value: 'c' },
    ...extraEnv,
  ]);
  for (const name of ['restore', 'etcd', 'drill']) {
    const names = (containers.get(name)?.env ?? []).map((variable) => variable.name);
    assert.ok(!names.includes('NODE_EXTRA_CA_CERTS'), name);
  }
});

describe('the Pushgateway', () => {
  const password = { name: 'METRICS_PUSHGATEWAY_URL', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } };
  const proxy = { name: 'https_proxy', value: 'http://proxy:3128' };
  const drill = { enabled: true };
  const URL = { name: 'METRICS_PUSHGATEWAY_URL', value: 'http://p:9091' };
  const cases: Record<string, [values: object, told: object[]]> = {
    'from the values': [{ drill, metrics: { pushgatewayUrl: URL.value } }, [URL]],
    'from extraEnv, with the proxies': [{ drill, extraEnv: [password, proxy] }, [password, proxy]],
    'which is not there: no proxy either': [{ drill, extraEnv: [proxy] }, []],
  };
  let made: Map<string, Container>[];
  before(async () => {
    const rows = await renderEach(Object.values(cases).map(([values]) => values));
    made = rows.map((manifests) => byName(cronJobIn(manifests, 'drill').spec.jobTemplate.spec.template.spec));
  });
  for (const [index, [way, [, told]]] of Object.entries(cases).entries()) {
    test(`${way}: drill is told of it, and nobody else of its password`, () => {
      for (const [name, { env = [] }] of made[index] ?? []) {
        if (name === 'drill') assert.deepEqual(env.slice(1), told);
        else assert.ok(!env.some((variable) => variable.name === URL.name), name);
      }
    });
  }
});

test('an empty schedule is once a week, after the small hours, and differs by release', async () => {
  const schedules = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const options = { release: `etcd-upkeep-${index}`, values: { drill: { enabled: true } } };
      return (await renderCronJob(options, 'drill')).spec.schedule;
    }),
  );
  for (const schedule of schedules) assert.match(schedule, /^([0-9]|[1-5][0-9]) [5-8] \* \* [0-6]$/);
  assert.ok(new Set(schedules).size >= schedules.length - 1, schedules.join(', '));
});
