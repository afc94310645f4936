import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  CHART,
  type Container,
  containersOf,
  cronJobIn,
  HELM_VERSIONS,
  parseManifests,
  renderCronJob,
  type RenderOptions,
  renderText,
  runHelm,
} from './chart.ts';

/** The kube-apiserver over a drill's scratch etcd, and what is around it for that. */

const ALL = join(CHART, 'ci/browse-values.yaml');
const IMAGE = 'registry.example.com/kube-apiserver:v1.36.3';

/** Values that are the shortest way to one. */
const withServer = (kubernetes: object = {}, values: object = {}): object => ({
  clusterName: 'c',
  drill: { enabled: true, kubernetes: { enabled: true, image: IMAGE, ...kubernetes } },
  ...values,
});

const rulesOf = async (options: RenderOptions) =>
  (await renderCronJob(options, 'drill')).spec.jobTemplate.spec.podFailurePolicy.rules;

const failJob = (containerName: string, values: number[]) => ({
  action: 'FailJob',
  onExitCodes: { containerName, operator: 'In', values },
});

const usersIn = ({ env = [] }: Partial<Container>): string[] =>
  env.map(({ name }) => name).filter((name) => name.startsWith('ETCDCTL_U'));

async function drillWith(options: RenderOptions): Promise<Map<string, Container>> {
  const { spec } = (await renderCronJob(options, 'drill')).spec.jobTemplate.spec.template;
  return new Map(containersOf(spec).map((container) => [container.name, container]));
}

const flagsOf = (containers: Map<string, Container>): string[] =>
  containers.get('kube-apiserver')?.command?.slice(5) ?? assert.fail('no kube-apiserver');

const FLAGS = [
  '--etcd-servers=http://127.0.0.1:2379',
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  '--secure-port=6443',
  '--cert-dir=/apiserver',
  '--service-account-issuer=https://kubernetes.default.svc',
  '--service-account-key-file=/apiserver/service-account.pub',
  '--service-account-signing-key-file=/apiserver/service-account.key',
  '--token-auth-file=/apiserver/tokens.csv',
  '--authorization-mode=ABAC',
  '--authorization-policy-file=/apiserver/policy.jsonl',
  '--anonymous-auth=false',
  '--endpoint-reconciler-type=none',
  '--service-cluster-ip-range=10.96.0.0/12',
  '--etcd-compaction-interval=0',
  '--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook',
  '--egress-selector-config-file=/apiserver/egress-selector.json',
  '--enable-priority-and-fairness=false',
  '--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false',
];
const WORK = { name: 'drill', mountPath: '/drill' };
const FILES = { name: 'apiserver', mountPath: '/apiserver' };
const readOnly = (mount: object): object => ({ ...mount, readOnly: true });

describe('a drill', () => {
  test('has none unless it is asked for', async () => {
    const names = [...(await drillWith({ values: { drill: { enabled: true } } })).keys()];
    assert.deepEqual(names, ['fetch', 'restore', 'etcd', 'drill']);
  });

  test('by default: alarms and files before it, a log that drill can read, no password', async () => {
    const containers = await drillWith({ values: withServer() });
    const names = ['fetch', 'restore', 'etcd', 'alarms', 'apiserver-files', 'kube-apiserver', 'drill'];
    assert.deepEqual([...containers.keys()], names);
    const disarm = ['etcdctl', '--endpoints=http://127.0.0.1:2379', 'alarm', 'disarm'];
    assert.deepEqual(containers.get('alarms')?.command, disarm);
    assert.ok(!('env' in (containers.get('alarms') ?? assert.fail())));
    assert.deepEqual(containers.get('apiserver-files')?.args, ['apiserver', '/apiserver']);
    assert.deepEqual(containers.get('apiserver-files')?.volumeMounts, [FILES]);
    assert.deepEqual(containers.get('kube-apiserver'), {
      name: 'kube-apiserver',
      image: IMAGE,
      restartPolicy: 'Always',
      command: [
        '/go-runner',
        '--log-file=/drill/kube-apiserver.log',
        '--also-stdout=true',
        '--redirect-stderr=true',
        '/usr/local/bin/kube-apiserver',
        ...FLAGS,
      ],
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      },
      resources: { requests: { cpu: '100m', memory: '512Mi' }, limits: { memory: '4Gi' } },
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [WORK, FILES],
    });
    const { args, env, volumeMounts } = containers.get('drill') ?? assert.fail();
    assert.deepEqual(
      args,
      [
        ['drill', '--receipt', '/drill/receipt.json', '--kubeconfig', '/apiserver/kubeconfig'],
        ['--apiserver-log', '/drill/kube-apiserver.log', '--apiserver-timeout', '2m'],
      ].flat(),
    );
    assert.deepEqual(env, [{ name: 'ETCDCTL_ENDPOINTS', value: 'http://127.0.0.1:2379' }]);
    assert.deepEqual(volumeMounts, [readOnly(WORK), readOnly(FILES)]);
  });

  test('ends where its files cannot be made of what is configured', async () => {
    const always = [failJob('fetch', [2]), failJob('drill', [2, 4])];
    assert.deepEqual(await rulesOf({ values: { drill: { enabled: true } } }), always);
    assert.deepEqual(await rulesOf({ values: withServer() }), [...always, failJob('apiserver-files', [2])]);
  });

  test('with every value set: all of it arrives', async () => {
    const values = withServer(
      {
        encryptionConfig: { existingSecret: 'encryption', secretKey: 'config' },
        serviceClusterIPRange: '10.0.0.0/16,fd00::/108',
        startupTimeout: '30s',
        extraArgs: ['--runtime-config=api/all=true', '--v=2'],
        resources: { limits: { memory: '8Gi' } },
      },
      {
        objectPrefix: '/kubernetes.io/',
        etcd: { auth: { existingSecret: 'root' } },
        securityContext: { capabilities: { add: ['CHOWN'] } },
      },
    );
    const containers = await drillWith({ values });
    const flags = flagsOf(containers);
    assert.deepEqual(
      flags.filter((flag) => !FLAGS.includes(flag)),
      [
        '--etcd-prefix=/kubernetes.io',
        '--service-cluster-ip-range=10.0.0.0/16,fd00::/108',
        '--encryption-provider-config=/apiserver/encryption.json',
        '--runtime-config=api/all=true',
        '--v=2',
      ],
    );
    const { resources, securityContext } = containers.get('kube-apiserver') ?? assert.fail();
    assert.match(JSON.stringify(resources), /"memory":"8Gi"/);
    assert.match(JSON.stringify(securityContext), /"add":\["CHOWN","NET_BIND_SERVICE"\]/);
    assert.ok(containers.get('drill')?.args?.includes('30s'));
    const prefix = { name: 'OBJECT_PREFIX', value: '/kubernetes.io/' };
    assert.deepEqual(containers.get('drill')?.env.slice(1), [prefix]);
    assert.deepEqual(containers.get('apiserver-files')?.args?.slice(2), [
      '--encryption-provider-config',
      '/encryption/encryption-provider-config.yaml',
    ]);
  });
});

test("etcd's password ends its own need: it switches authentication off, and drill is not given it", async () => {
  const extraEnv = [
    { name: 'ETCDCTL_USER', value: 'root' },
    { name: 'ETCDCTL_PASSWORD', value: 'x' },
  ];
  const ways = [{ etcd: { auth: { existingSecret: 'root' } } }, { extraEnv }];
  for (const way of ways) {
    const containers = await drillWith({ values: withServer({}, way) });
    assert.deepEqual([...containers.keys()].slice(2, 6), ['etcd', 'alarms', 'auth', 'apiserver-files']);
    assert.deepEqual(containers.get('auth')?.command?.slice(2), ['auth', 'disable']);
    for (const [name, container] of containers) {
      const asks = ['alarms', 'auth'].includes(name);
      assert.deepEqual(usersIn(container), asks ? ['ETCDCTL_USER'] : [], name);
    }
  }
});

describe('the image', () => {
  /** As the cluster calls its version -> the image's tag. */
  const TAGS: Record<string, string> = {
    '1.36.3': 'v1.36.3',
    'v1.29.0': 'v1.29.0',
    'v1.31.4+k3s1': 'v1.31.4',
    'v1.31.4+rke2r1': 'v1.31.4',
    'v1.31.4-gke.1372000': 'v1.31.4',
    'v1.31.4-eks-7f9249a': 'v1.31.4',
  };
  const values = withServer({ image: '' });
  const imageFor = async (version: string, options: RenderOptions): Promise<string | undefined> => {
    const command = ['template', 'r', CHART, `--kube-version=${version}`];
    const manifests = parseManifests(await runHelm(command, { values, ...options }));
    const { spec } = cronJobIn(manifests, 'drill').spec.jobTemplate.spec.template;
    return containersOf(spec).find(({ name }) => name === 'kube-apiserver')?.image;
  };

  for (const helm of HELM_VERSIONS) {
    test(`is the official one in the cluster's version, helm ${helm}`, async () => {
      for (const [version, tag] of Object.entries(TAGS)) {
        assert.equal(await imageFor(version, { helm }), `registry.k8s.io/kube-apiserver:${tag}`);
      }
      const mirrored = { ...values, global: { imageRegistry: 'mirror:5000/k8s' } };
      const image = await imageFor('1.36.3', { helm, values: mirrored });
      assert.equal(image, 'mirror:5000/k8s/kube-apiserver:v1.36.3');
    });
  }

  test('a given one is taken, from the registry of all', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const given = withServer(
      { image: `hub.example/kube-apiserver@${digest}` },
      { global: { imageRegistry: 'm.x' } },
    );
    const containers = await drillWith({ values: given });
    assert.equal(containers.get('kube-apiserver')?.image, `m.x/kube-apiserver@${digest}`);
  });

  test('where no cluster says its version, and none is given: refused by the key', async () => {
    // What a Helm that was built without its release's flags takes for the version.
    const command = ['template', 'r', CHART, '--kube-version=1.20.0'];
    const message = /\(it says v1\.20\.0\): set drill\.kubernetes\.image, say to registry\.k8s\.io/;
    for (const helm of HELM_VERSIONS) {
      await assert.rejects(runHelm(command, { helm, values }), message);
      await assert.rejects(runHelm(command, { helm, values: { browse: { enabled: true } } }), message);
      await runHelm(command, { helm, values: withServer() });
      await runHelm(command, { helm, values: { drill: { enabled: true } } });
    }
  });
});

test('less time than the server may take to start is refused, in words', async () => {
  const message = /drill\.kubernetes\.startupTimeout is 90m, and a drill ends after .*, 3600s: raise that/;
  const values = { kubernetes: { image: IMAGE, startupTimeout: '90m' } };
  for (const helm of HELM_VERSIONS) {
    await assert.rejects(renderText({ helm, values: withServer({ startupTimeout: '90m' }) }), message);
    await assert.rejects(renderText({ helm, values: { browse: { enabled: true }, drill: values } }), message);
    // Where there is none nobody waits for it.
    await renderText({ helm, values: { drill: { ...values, enabled: true } } });
  }
});

test('what is written down for all of it is what both helms make', async () => {
  const [first, ...others] = await Promise.all(HELM_VERSIONS.map((helm) => drillWith({ helm, file: ALL })));
  for (const other of others) assert.deepEqual(other, first);
});
