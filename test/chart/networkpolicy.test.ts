import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { CHART, HELM_VERSIONS, type Manifest, render, type RenderOptions, renderText } from './chart.ts';
import { renderEach } from './many.ts';

interface Rule {
  ports?: { protocol?: string; port: number | string; endPort?: number }[];
  to?: object[];
}

interface Policy {
  kind: 'NetworkPolicy';
  metadata: { name: string };
  spec: { podSelector: object; policyTypes: string[]; ingress?: object[]; egress?: Rule[] };
}

const NAMES = { 'app.kubernetes.io/name': 'etcd-upkeep', 'app.kubernetes.io/instance': 'etcd-upkeep' };
const DNS = ['UDP 53', 'TCP 53'];
const BUCKET = { backup: { store: 's3://bucket', s3: { existingSecret: 'keys' } } };
const DRILL = { drill: { enabled: true } };
const BROWSE = { browse: { enabled: true }, drill: { kubernetes: { image: 'kube-apiserver' } } };
const fromSecret = { valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } };

async function policyOf(options: RenderOptions, name?: string): Promise<Policy> {
  return policyIn(await render(options), name);
}

function policyIn(manifests: Manifest[], name = 'etcd-upkeep'): Policy {
  const found = manifests.find(
    (manifest): manifest is Policy & typeof manifest =>
      manifest.kind === 'NetworkPolicy' && manifest.metadata.name === name,
  );
  assert.ok(found);
  return found;
}

const enabled = (values: object, networkPolicy: object = {}): object => ({
  clusterName: 'c',
  hostNetwork: false,
  ...values,
  networkPolicy: { enabled: true, ...networkPolicy },
});

/** The rules of a run or a drill as `[where, [what, ...]]`. */
async function egressOf(
  values: object,
  networkPolicy: object = {},
  name?: 'etcd-upkeep-drill' | 'etcd-upkeep-browse',
): Promise<unknown[]> {
  return egressIn(await policyOf({ values: enabled(values, networkPolicy) }, name));
}

function egressIn({ spec }: Policy): unknown[] {
  return (spec.egress ?? []).map(({ to, ports = [] }) => [
    to ?? 'anywhere',
    ports.map(({ protocol, port }) => `${protocol} ${port}`),
  ]);
}

/** Values whose policy says what a run may reach anywhere, but for etcd and names; and what that is. */
const opened = (values: object, networkPolicy: object = {}): object =>
  enabled(values, { etcd: { to: [{ podSelector: {} }] }, dns: { ports: [] }, ...networkPolicy });
const openIn = (manifests: Manifest[]): unknown =>
  egressIn(policyIn(manifests)).find((rule) => Array.isArray(rule) && rule[0] === 'anywhere');

const only = (...ports: number[]): unknown => ['anywhere', ports.map((port) => `TCP ${port}`)];

test('nobody may reach a run, and it may reach its etcd and names', async () => {
  const policy = await policyOf({ file: join(CHART, 'ci/external-values.yaml') });
  assert.deepEqual(policy.spec, {
    podSelector: {
      matchLabels: NAMES,
      matchExpressions: [
        { key: 'app.kubernetes.io/component', operator: 'NotIn', values: ['drill', 'browse'] },
      ],
    },
    policyTypes: ['Ingress', 'Egress'],
    egress: [
      {
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
      { ports: [{ protocol: 'TCP', port: 2379 }], to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] },
    ],
  });
});

test('a rule for each destination, with every port once and as a number', async () => {
  const to = [{ podSelector: { matchLabels: { app: 'a' } } }];
  const values = {
    etcd: { endpoints: ['a:2379', 'http://[2001:db8::1]:12379/'], tls: { enabled: false } },
    backup: { store: 's3://bucket', s3: { existingSecret: 'keys', endpoint: 'https://minio:9000' } },
    metrics: { pushgatewayUrl: 'http://a:12379' },
    heartbeat: { existingSecret: 'heartbeat' },
  };
  const policy = { store: { ports: ['9000', 9001], to }, heartbeat: { ports: ['8443'], to } };
  assert.deepEqual(await egressOf(values, policy), [
    ['anywhere', ['TCP 2379', 'TCP 12379', 'TCP 9091', ...DNS]],
    [to, ['TCP 8443', 'TCP 9000', 'TCP 9001']],
  ]);
  const { spec } = await policyOf({ values: enabled(values, policy) });
  for (const { ports = [] } of spec.egress ?? []) {
    for (const { port } of ports) assert.equal(typeof port, 'number');
  }
});

const env = (...extraEnv: object[]): object => ({ extraEnv });
const s3 = (more: object, extraEnv: object[] = []): object => ({
  backup: { store: 's3://bucket', s3: { existingSecret: 'keys', ...more } },
  extraEnv,
});
const push = (name: string, value: string): object => ({
  ...env({ name, value }),
  metrics: { pushgatewayUrl: 'http://p:9091' },
});

describe('the ports of', () => {
  const sts = s3({ existingSecret: '' });
  const cases: Record<string, [values: object, open: number[], policy?: object]> = {
    'a bucket of AWS': [BUCKET, [443]],
    'a bucket, as they are given': [BUCKET, [9000], { store: { ports: [9000] } }],
    'its endpoint alone': [s3({ endpoint: 'https://minio:9000/x' }), [9000]],
    'its endpoint and those that are given': [
      s3({ endpoint: 'https://m' }),
      [8443, 443],
      { store: { ports: [8443] } },
    ],
    'its endpoint by http': [s3({ endpoint: 'http://minio' }), [80]],
    'its endpoint by IPv6': [s3({ endpoint: 'http://[2001:db8::1]' }), [80]],
    'its endpoint in extraEnv': [
      s3({ endpoint: 'https://m:1' }, [{ name: 'AWS_ENDPOINT_URL_S3', value: 'https://m:2' }]),
      [2],
    ],
    'its endpoint in extraEnv for all of AWS': [
      s3({}, [{ name: 'AWS_ENDPOINT_URL', value: 'https://m:2' }]),
      [2],
    ],
    'its endpoint in a Secret': [s3({}, [{ name: 'AWS_ENDPOINT_URL_S3', ...fromSecret }]), [443]],
    'its endpoint in a Secret, as they are given': [
      s3({}, [{ name: 'AWS_ENDPOINT_URL_S3', ...fromSecret }]),
      [9000],
      { store: { ports: [9000] } },
    ],
    'a bucket in extraEnv': [env({ name: 'BACKUP_STORE', value: 's3://bucket' }), [443]],
    'a store in a Secret': [env({ name: 'BACKUP_STORE', ...fromSecret }), [443]],
    'STS beside a bucket without keys': [sts, [9000, 443], { store: { ports: [9000] } }],
    'STS at an address of its own': [
      s3({ existingSecret: '' }, [{ name: 'AWS_ENDPOINT_URL_STS', value: 'https://sts:8443' }]),
      [9000, 8443, 80],
      { store: { ports: [9000] }, credentials: { ports: [8443, 80] } },
    ],
    'no STS with keys in extraEnv': [
      s3({ existingSecret: '' }, [{ name: 'AWS_ACCESS_KEY_ID', ...fromSecret }]),
      [9000],
      { store: { ports: [9000] } },
    ],
    'a Pushgateway': [{ metrics: { pushgatewayUrl: 'https://p/base' } }, [9091, 443]],
    'a Pushgateway by IPv6': [{ metrics: { pushgatewayUrl: 'http://[::1]:8080' } }, [9091, 8080]],
    'a Pushgateway alone': [
      { metrics: { pushgatewayUrl: 'http://p:80' } },
      [80],
      { pushgateway: { ports: [] } },
    ],
    'a Pushgateway in extraEnv': [
      push('METRICS_PUSHGATEWAY_URL', 'http://user:p%2F@p:8081/base'),
      [9091, 8081],
    ],
    'a Pushgateway in a Secret': [env({ name: 'METRICS_PUSHGATEWAY_URL', ...fromSecret }), [9091]],
    'a heartbeat': [{ heartbeat: { existingSecret: 'h' } }, [8443], { heartbeat: { ports: [8443] } }],
    'a heartbeat in extraEnv': [env({ name: 'HEARTBEAT_URL', value: 'http://h:8000/x' }), [443, 8000]],
    'a proxy': [s3({}, [{ name: 'HTTPS_PROXY', value: 'http://u:p@proxy:8888' }]), [443, 8888]],
    'a proxy without a scheme': [s3({}, [{ name: 'http_proxy', value: 'proxy' }]), [443, 80]],
    'a proxy that a password would make a wrong URL of': [
      s3({}, [{ name: 'HTTP_PROXY', value: 'u:100%zz@[::1]:81' }]),
      [443, 81],
    ],
    'a proxy in both spellings': [
      s3({}, [
        { name: 'HTTPS_PROXY', value: 'http://proxy:1' },
        { name: 'https_proxy', value: 'http://proxy:2' },
      ]),
      [443, 2],
    ],
    'a proxy in a Secret': [s3({}, [{ name: 'HTTPS_PROXY', ...fromSecret }]), [443, 3128]],
    'a proxy in a Secret, as they are given': [
      s3({}, [{ name: 'HTTPS_PROXY', ...fromSecret }]),
      [443, 8888],
      { proxy: { ports: [8888] } },
    ],
    'a proxy of another variable': [
      s3({}, [{ name: 'HTTPS_PROXY', value: 'http://$(HOST):$(PORT)' }]),
      [443, 3128],
    ],
    'a proxy to a Pushgateway': [push('HTTP_PROXY', 'http://proxy:8888'), [9091, 8888]],
    'ALL_PROXY, which no run knows': [s3({}, [{ name: 'ALL_PROXY', value: 'http://proxy:8888' }]), [443]],
  };

  let made: Manifest[][];
  before(async () => {
    made = await renderEach(Object.values(cases).map(([values, , policy]) => opened(values, policy)));
  });
  for (const [index, [name, [, open]]] of Object.entries(cases).entries()) {
    test(name, () => {
      assert.deepEqual(openIn(made[index] ?? []), only(...open));
    });
  }

  test('a proxy that leads to nobody', async () => {
    const proxy = opened(env({ name: 'HTTPS_PROXY', value: 'http://proxy:8888' }));
    assert.equal(openIn(await render({ values: proxy })), undefined);
    const off = opened({ ...BUCKET, ...env({ name: 'BACKUP_STORE', value: 'file:///backups' }) });
    assert.equal(openIn(await render({ values: off })), undefined);
  });

  test('etcd, where extraEnv names its endpoints', async () => {
    const endpoints = { name: 'ETCDCTL_ENDPOINTS', value: 'a:1, https://[::1]:2/' };
    assert.deepEqual(await egressOf(env(endpoints)), [['anywhere', ['TCP 2379', 'TCP 1', 'TCP 2', ...DNS]]]);
    const hidden = env({ name: 'ETCDCTL_ENDPOINTS', ...fromSecret });
    assert.deepEqual(await egressOf(hidden, { etcd: { ports: [] } }), [['anywhere', ['TCP 2379', ...DNS]]]);
  });

  test('DNS: others, elsewhere, none', async () => {
    const to = [{ namespaceSelector: {} }];
    assert.deepEqual(await egressOf({}, { dns: { ports: ['5353'], to } }), [
      ['anywhere', ['TCP 2379']],
      [to, ['UDP 5353', 'TCP 5353']],
    ]);
    assert.deepEqual(await egressOf({}, { dns: { ports: [] } }), [['anywhere', ['TCP 2379']]]);
  });
});

describe('a drill', () => {
  const drill = 'etcd-upkeep-drill';

  test('may reach nobody, where the store is a folder', async () => {
    const { spec } = await policyOf({ values: enabled(DRILL) }, drill);
    assert.deepEqual(spec, {
      podSelector: { matchLabels: { ...NAMES, 'app.kubernetes.io/component': 'drill' } },
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test('may reach a bucket, the proxy before it and names', async () => {
    const to = [{ podSelector: {} }];
    const values = {
      ...DRILL,
      ...BUCKET,
      extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:8888' }],
    };
    assert.deepEqual(await egressOf(values, { store: { ports: [9000], to } }, drill), [
      ['anywhere', ['TCP 8888', ...DNS]],
      [to, ['TCP 9000']],
    ]);
  });

  test('may reach the Pushgateway, the proxy before it and names, and no etcd', async () => {
    const told = { ...DRILL, metrics: { pushgatewayUrl: 'http://p:8081' } };
    assert.deepEqual(await egressOf(told, {}, drill), [['anywhere', ['TCP 9091', 'TCP 8081', ...DNS]]]);
    const extraEnv = [
      { name: 'METRICS_PUSHGATEWAY_URL', ...fromSecret },
      { name: 'HTTP_PROXY', value: 'http://proxy:8888' },
    ];
    assert.deepEqual(await egressOf({ ...DRILL, extraEnv }, {}, drill), [
      ['anywhere', ['TCP 9091', 'TCP 8888', ...DNS]],
    ]);
  });
});

describe('browse', () => {
  const browse = 'etcd-upkeep-browse';
  const values = { ...BROWSE, metrics: { pushgatewayUrl: 'http://p:9091' } };

  test('may reach nobody, where the store is a folder, and nobody may reach it', async () => {
    const { spec } = await policyOf({ values: enabled(values) }, browse);
    assert.deepEqual(spec, {
      podSelector: { matchLabels: { ...NAMES, 'app.kubernetes.io/component': 'browse' } },
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test('may reach a bucket and names, and nobody else', async () => {
    assert.deepEqual(await egressOf({ ...values, ...BUCKET }, {}, browse), [
      ['anywhere', ['TCP 443', ...DNS]],
    ]);
  });
});

const EXTRA = [
  { ports: [{ port: '8443', endPort: '8500', protocol: 'TCP' }, { port: 'https' }], to: [] },
  { ports: [], to: [{ ipBlock: { cidr: '10.0.0.0/8', except: [] } }] },
  { to: [{ podSelector: { matchLabels: {}, matchExpressions: [] }, namespaceSelector: {} }] },
  { to: [{ podSelector: { matchLabels: { a: null } } }] },
];

test('more rules are written as the API server stores them, for a run and for a drill', async () => {
  const stored = [
    { ports: [{ port: 8443, endPort: 8500, protocol: 'TCP' }, { port: 'https' }] },
    { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
    { to: [{ podSelector: {}, namespaceSelector: {} }] },
    { to: [{ podSelector: {} }] },
  ];
  const values = enabled(DRILL, { extraEgress: EXTRA });
  assert.deepEqual((await policyOf({ values })).spec.egress?.slice(1), stored);
  assert.deepEqual((await policyOf({ values }, 'etcd-upkeep-drill')).spec.egress, stored);
});

test('a rule that the API server would take for one that opens everything is refused', async () => {
  const values = enabled({}, { extraEgress: [{ port: 443 }] });
  await assert.rejects(render({ values }), /\/networkPolicy\/extraEgress\/0': additional properties 'port'/);
});

test('both helms write the same rules', async () => {
  const values = enabled({ ...DRILL, ...BUCKET }, { extraEgress: EXTRA, store: { ports: ['9000'] } });
  const [first, ...others] = await Promise.all(HELM_VERSIONS.map((helm) => render({ helm, values })));
  for (const other of others) assert.deepEqual(other, first);
});

test('to kube-apiserver what is applied again is the same', async () => {
  await using cluster = await startCluster();
  await using api = await startApiServer({ etcd: cluster });
  const shapes = {
    plain: enabled(DRILL),
    more: enabled({ ...DRILL, ...BUCKET }, { extraEgress: EXTRA, store: { to: [{ podSelector: {} }] } }),
  };
  for (const [shape, values] of Object.entries(shapes)) {
    for (const how of [[], ['--server-side']]) {
      const namespace = `${shape}${how.length}`;
      await api.kubectl('create', 'namespace', namespace);
      const manifests = await renderText({ namespace, values });
      for (let times = 0; times < 3; times += 1) {
        await api.kubectlWithInput(manifests, 'apply', ...how, '--filename=-');
      }
      const path = '{range .items[*]}{.metadata.name} {.metadata.generation}{"\\n"}{end}';
      const generations = await api.kubectl(
        `--namespace=${namespace}`,
        'get',
        'networkpolicies',
        `--output=jsonpath=${path}`,
      );
      assert.equal(generations, 'etcd-upkeep 1\netcd-upkeep-drill 1\n');
      // It ends with 1, and so throws, where there is a difference.
      assert.equal(await api.kubectlWithInput(manifests, 'diff', ...how, '--filename=-'), '');
    }
  }
});
