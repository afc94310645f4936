import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  CHART,
  type Container,
  containersOf,
  cronJobIn,
  type CronJob,
  type Manifest,
  nameOf,
  type PodSpec,
  renderCronJob,
  valuesFiles,
} from './chart.ts';
import { renderEach } from './many.ts';
import { problemsOf } from './schema.ts';
import { readValues } from './values.ts';

/**
 * How the pods of drill and browse could hurt a cluster, and that whatever the values say they do not: the real etcd in place
 * of the scratch one, a scratch one that others reach, a Secret where it does not belong, what never ends.
 */

const COMPONENTS = ['drill', 'browse'] as const;
const IMAGE = 'registry.example.com/kube-apiserver:v1.36.3';
const SCRATCH = {
  drill: {
    enabled: true,
    ageIdentity: { existingSecret: 'backup-key' },
    kubernetes: { enabled: true, image: IMAGE },
  },
  browse: { enabled: true },
};

/** What somebody might set for the runs, and what must not come through to these. */
const BOLD: Record<string, object> = {
  'the host network': { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
  'a priority class': { priorityClassName: 'system-node-critical' },
  'other capabilities': { securityContext: { capabilities: { add: ['SYS_PTRACE'], drop: null } } },
  'suspend, and a schedule': { suspend: false, schedule: '* * * * *', timeZone: 'Asia/Kolkata' },
};

interface Row {
  name: string;
  cronJobs: Record<(typeof COMPONENTS)[number], CronJob>;
  manifests: Manifest[];
}
let rows: Row[];

before(async () => {
  const files = await valuesFiles();
  const ofFiles = await Promise.all(
    files.map(async (file) => [nameOf(file), await readValues(file)] as const),
  );
  const all = [...ofFiles, ...Object.entries(BOLD)];
  const made = await renderEach(all.map(([, values]) => ({ ...values, ...SCRATCH })));
  rows = made.map((manifests, index) => ({
    name: all[index]?.[0] ?? '',
    cronJobs: { drill: cronJobIn(manifests, 'drill'), browse: cronJobIn(manifests, 'browse') },
    manifests,
  }));
  assert.ok(rows.length > 15);
});

function eachPod(check: (pod: PodSpec, what: string) => void): void {
  for (const { name, cronJobs } of rows) {
    for (const component of COMPONENTS)
      check(cronJobs[component].spec.jobTemplate.spec.template.spec, `${component} with ${name}`);
  }
}

describe('whatever the values are', () => {
  test("no pod is on the node's network, where it would find the real etcd at the scratch one's address", () => {
    eachPod((pod, what) => {
      assert.equal(pod['hostNetwork'], false, what);
      for (const field of ['hostPID', 'hostIPC', 'shareProcessNamespace']) assert.ok(!(field in pod), what);
    });
  });

  test('whoever asks an etcd asks the one of this pod, without a certificate of the cluster', () => {
    eachPod((pod, what) => {
      const text = JSON.stringify(containersOf(pod));
      const asked =
        text.match(/(?:ETCDCTL_ENDPOINTS","value":|--endpoints=|--etcd-servers=)"?([^"]*)/g) ?? [];
      assert.ok(asked.length >= 3, what);
      for (const flag of asked) assert.match(flag, /http:\/\/127\.0\.0\.1:2379$/, what);
      assert.doesNotMatch(JSON.stringify(pod), /"(pki|etcd-cert|etcd-key|etcd-ca)"/, what);
    });
  });

  test('nothing listens for others: no port, no address but loopback, no probe by network, no Service', () => {
    eachPod((pod, what) => {
      for (const container of containersOf(pod)) {
        assert.ok(!('ports' in container), what);
        assert.doesNotMatch(JSON.stringify(container), /httpGet|tcpSocket|"grpc"/, what);
        const listening = (container.command ?? []).filter((flag) =>
          /^--(listen|bind|advertise|secure)/.test(flag),
        );
        for (const flag of listening)
          assert.match(flag, /=(http:\/\/)?127\.0\.0\.1(:\d+)?$|^--secure-port=6443$/, what);
      }
    });
    for (const { manifests } of rows)
      assert.ok(manifests.every(({ kind }) => !/Service$|Ingress|Route/.test(kind)));
  });

  test('no token of Kubernetes, and no more than one capability, for one container', () => {
    eachPod((pod, what) => {
      assert.equal(pod['automountServiceAccountToken'], false, what);
      assert.ok(!('priorityClassName' in pod), what);
      const own = what.includes('capabilities') ? ['SYS_PTRACE'] : [];
      for (const { name, securityContext } of containersOf(pod)) {
        const { capabilities = {} }: { capabilities?: { add?: string[] } } = Object(securityContext);
        const added = name === 'kube-apiserver' ? [...own, 'NET_BIND_SERVICE'] : own;
        assert.deepEqual(capabilities.add ?? [], added, `${what}: ${name}`);
      }
    });
  });

  test('the store is read-only, and what was restored lies in the pod alone', () => {
    eachPod((pod, what) => {
      for (const { name, volumeMounts = [] } of containersOf(pod)) {
        for (const mount of volumeMounts) {
          if (mount.name === 'backups') assert.equal(mount.readOnly, true, `${what}: ${name}`);
        }
      }
      const scratch = (pod.volumes ?? []).filter(({ name }) => ['drill', 'apiserver'].includes(name));
      assert.deepEqual(
        scratch.map((volume) => 'emptyDir' in volume),
        [true, true],
        what,
      );
      assert.match(JSON.stringify(scratch[1]), /"medium":"Memory"/, 'keys and tokens are on no disk');
    });
  });

  test('all of it ends: pods, Jobs, and what a browse Job leaves', () => {
    eachPod((pod, what) => {
      assert.equal(pod['restartPolicy'], 'Never', what);
      assert.ok(Number(pod['activeDeadlineSeconds']) <= 7200, what);
    });
    for (const { name, cronJobs } of rows) {
      const { suspend, jobTemplate } = cronJobs.browse.spec;
      assert.equal(suspend, true, name);
      const { spec } = jobTemplate;
      assert.equal(spec.backoffLimit, 0, name);
      // A pod that no node takes has no time of its own.
      assert.equal(spec.activeDeadlineSeconds, 7260, name);
      assert.match(JSON.stringify(jobTemplate), /"ttlSecondsAfterFinished":600/, name);
    }
  });
});

/** Everything of a Secret that a container has: variables by their names, volumes by theirs. */
function secretsOf({ env = [], volumeMounts = [] }: Partial<Container>, pod: PodSpec): string[] {
  const volumes = (pod.volumes ?? []).filter((volume) => 'secret' in volume).map(({ name }) => name);
  const mounted = volumeMounts.map(({ name }) => name).filter((name) => volumes.includes(name));
  const variables = env.filter(({ valueFrom = {} }) => 'secretKeyRef' in valueFrom).map(({ name }) => name);
  return [...mounted, ...variables];
}

describe('a Secret is in the one container that needs it', () => {
  const all = join(CHART, 'ci/browse-values.yaml');
  const ETCD = ['ETCDCTL_USER', 'ETCDCTL_PASSWORD'];
  const EXPECTED: Record<string, string[]> = {
    fetch: ['identity', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    restore: [],
    etcd: [],
    alarms: ETCD,
    auth: ETCD,
    'apiserver-files': ['encryption-config'],
    'kube-apiserver': [],
  };
  for (const component of COMPONENTS) {
    test(`of ${component}`, async () => {
      const pod = (await renderCronJob({ file: all }, component)).spec.jobTemplate.spec.template.spec;
      const found = containersOf(pod).map((container) => [container.name, secretsOf(container, pod)]);
      assert.deepEqual(Object.fromEntries(found), { ...EXPECTED, [component]: [] });
      const files = containersOf(pod).filter(({ volumeMounts = [] }) =>
        volumeMounts.some(({ name }) => name === 'apiserver'),
      );
      assert.deepEqual(
        files.map(({ name }) => name),
        ['apiserver-files', 'kube-apiserver', component],
        'keys and tokens',
      );
    });
  }
});

/** Flags that would let others in, out, or at another etcd, as kube-apiserver reads them. */
const REFUSED = [
  '--bind-address=0.0.0.0',
  '--bind_address=0.0.0.0',
  '--etcd-servers=https://10.0.0.1:2379',
  '--etcd-servers-overrides=/events#https://10.0.0.1:2379',
  '--advertise-address=10.0.0.1',
  '--secure-port=443',
  '--anonymous-auth=true',
  '--anonymous-auth',
  '--authorization-mode=AlwaysAllow',
  '--authorization-config=/x',
  '--authentication-config=/x',
  '--client-ca-file=/x',
  '--token-auth-file=/x',
  '--egress-selector-config-file=',
  '--enable-admission-plugins=ValidatingAdmissionWebhook',
  '--admission-control-config-file=/x',
  '--audit-webhook-config-file=/x',
  '--endpoint-reconciler-type=lease',
  '--etcd-compaction-interval=5m',
  '--encryption-provider-config=/x',
  '--service-cluster-ip-range=10.0.0.0/8',
];
const NO_FLAG = ['0.0.0.0', '-v=2', 'v=2', '', '--', '--V=2'];
const TAKEN = [
  '--v=2',
  '--runtime-config=api/all=true',
  '--feature-gates=A=true',
  '--watch-cache=false',
  '--profiling',
];

test('flags that would open the server, or lead it elsewhere, are refused; others are taken', async () => {
  const flags = [...REFUSED, ...NO_FLAG, ...TAKEN];
  for (const [index, problems] of (
    await problemsOf(
      '4.3',
      flags.map((flag) => ({ drill: { kubernetes: { extraArgs: [flag] } } })),
    )
  ).entries()) {
    const flag = flags[index] ?? '';
    const said = JSON.stringify([flag, problems]);
    assert.equal(problems.length, TAKEN.includes(flag) ? 0 : 1, said);
    if (REFUSED.includes(flag)) assert.match(said, /another flag: this one keeps kube-apiserver to its pod/);
    if (NO_FLAG.includes(flag)) assert.match(said, /a flag with its value, say --runtime-config/);
  }
});
