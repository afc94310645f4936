import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { HELM_VERSIONS } from './chart.ts';
import { renderEach } from './many.ts';
import { over, problemsOf } from './schema.ts';
import { verdictOf } from './verdict.ts';

/** One mistake in some values: where helm tells of it, and what it says there and nowhere else. */
type Mistake = readonly [values: object, at: string, said: RegExp];

const HTTP = 'http://10.0.0.1:2379';
const HTTPS = 'https://10.0.0.1:2379';
const ONE_SCHEME = /all http:\/\/ or all https:\/\/: a run refuses a mix/;
const ADDRESS = /https:\/\/host:port, say https:\/\/10/;

/** Those where a second thing could be told that is not true, or a rule could speak that has nothing to do with it. */
const TOLD_ONCE: Mistake[] = [
  [{ etcd: { endpoints: [HTTP] } }, '/etcd/tls/enabled', /false for http/],
  [
    { etcd: { endpoints: [HTTP, 'http://b:1'], tls: { enabled: true } } },
    '/etcd/tls/enabled',
    /false for http/,
  ],
  [{ etcd: { endpoints: [HTTPS, HTTP] } }, '/etcd/endpoints', ONE_SCHEME],
  [{ etcd: { endpoints: ['10.0.0.1:2379', HTTP] } }, '/etcd/endpoints', ONE_SCHEME],
  [{ etcd: { endpoints: [HTTPS, HTTP], tls: { enabled: false } } }, '/etcd/endpoints', ONE_SCHEME],
  [{ etcd: { endpoints: [HTTPS, '10.0.0.2:2379'], tls: { enabled: false } } }, '/etcd/endpoints', ONE_SCHEME],
  [{ etcd: { endpoints: ['http://10.0.0.1'] } }, '/etcd/endpoints/0', ADDRESS],
  [{ etcd: { endpoints: [HTTPS, 'http://10.0.0.1'] } }, '/etcd/endpoints/1', ADDRESS],
  [{ etcd: { endpoints: ['http://10.0.0.1:65536'] } }, '/etcd/endpoints/0', ADDRESS],
  [{ etcd: { endpoints: ['http'] } }, '/etcd/endpoints/0', ADDRESS],
  [
    { etcd: { endpoints: [HTTP], tls: { enabled: false, hostPath: { cacert: 'x' } } } },
    '/etcd/tls/hostPath/cacert',
    /absolute/,
  ],
  [
    { backup: { enabled: false } },
    '/backup/skipConfirmed',
    /compaction takes away or a defragmentation breaks/,
  ],
  [{ backup: { store: 's3://' } }, '/backup/store', /does not match/],
  [{ backup: { store: 's3:bucket' } }, '/backup/store', /does not match/],
  [
    { backup: { hostPath: '', persistence: { existingClaim: 'a' } } },
    '/backup/persistence/enabled',
    /true where/,
  ],
  [
    {
      drill: { enabled: true },
      backup: { enabled: false, skipConfirmed: true, ageRecipients: [`age1${'q'.repeat(58)}`] },
    },
    '/drill/enabled',
    /false where/,
  ],
  [
    { drill: { enabled: true }, backup: { enabled: false, skipConfirmed: true } },
    '/drill/enabled',
    /false where/,
  ],
  [
    { browse: { enabled: true }, backup: { enabled: false, skipConfirmed: true } },
    '/browse/enabled',
    /false where/,
  ],
  [
    {
      drill: { enabled: true },
      browse: { enabled: true },
      backup: { ageRecipients: [`age1${'q'.repeat(58)}`] },
    },
    '/drill/ageIdentity/existingSecret',
    /a Secret with an identity/,
  ],
  [{ drill: { kubernetes: { image: 'https://a/b' } } }, '/drill/kubernetes/image', /small letters/],
  ...['10.96.0.0', '10.96.0.0/33', '10.96.0.0/12,', 'a/8', ''].map(
    (serviceClusterIPRange): Mistake => [
      { drill: { kubernetes: { serviceClusterIPRange } } },
      '/drill/kubernetes/serviceClusterIPRange',
      /a range of addresses as 10\.96/,
    ],
  ),
  [{ backup: { timeout: 'abc' } }, '/backup/timeout', /a duration with its units/],
  [{ backup: { timeout: '0m' } }, '/backup/timeout', /more than none/],
];

/** Nothing to say of these. */
const RIGHT: object[] = [
  ...['10.96.0.0/12', 'fd00:10:96::/112', '10.43.0.0/16,2001:cafe:43::/112'].map((serviceClusterIPRange) => ({
    drill: { kubernetes: { serviceClusterIPRange } },
  })),
  { etcd: { endpoints: [HTTPS, '10.0.0.2:2379', '[2001:db8::1]:2379', 'https://etcd-0.etcd.a_b:2379/'] } },
  { etcd: { endpoints: [HTTP, '10.0.0.2:2379'], tls: { enabled: false } } },
  { etcd: { endpoints: [HTTPS], tls: { enabled: false } } },
  // None of these files is used.
  { etcd: { tls: { enabled: false, hostPath: { key: '' } } } },
  { etcd: { tls: { existingSecret: 'etcd-client', hostPath: { key: '' } } } },
  { etcd: { tls: { secretKeys: { cert: '' } } } },
];

const LONG = 'x'.repeat(64);
const NAME = /does not match|maxLength/;
const KEY = /under another key/;

/** What kube-apiserver does not take either. */
const REFUSED: Mistake[] = [
  [{ backoffLimit: 2_147_483_648 }, '/backoffLimit', /maximum/],
  [{ backoffLimit: '2147483648' }, '/backoffLimit', /0 to 2147483647/],
  [{ successfulJobsHistoryLimit: 2_147_483_648 }, '/successfulJobsHistoryLimit', /maximum/],
  [{ failedJobsHistoryLimit: -1 }, '/failedJobsHistoryLimit', /minimum/],
  [{ startingDeadlineSeconds: -1 }, '/startingDeadlineSeconds', /10 or more/],
  [{ drill: { activeDeadlineSeconds: -1 } }, '/drill/activeDeadlineSeconds', /60 or more/],
  [{ backup: { persistence: { size: -1 } } }, '/backup/persistence/size', /above 0/],
  [{ drill: { activeDeadlineSeconds: 2_147_483_648 } }, '/drill/activeDeadlineSeconds', /maximum/],
  [{ backup: { persistence: { size: '0' } } }, '/backup/persistence/size', /above 0/],
  [{ backup: { persistence: { size: '0Gi' } } }, '/backup/persistence/size', /above 0/],
  [{ backup: { persistence: { size: 0 } } }, '/backup/persistence/size', /above 0/],
  [{ backup: { persistence: { size: '20GB' } } }, '/backup/persistence/size', /a quantity/],
  [{ backup: { persistence: { size: '20 Gi' } } }, '/backup/persistence/size', /a quantity/],
  [{ drill: { sizeLimit: '20gb' } }, '/drill/sizeLimit', /a quantity/],
  [{ resources: { limits: { memory: '384MB' } } }, '/resources/limits/memory', /a quantity/],
  [{ resources: { requests: { cpu: '-1' } } }, '/resources/requests/cpu', /a quantity/],
  [{ drill: { resources: { limits: { memory: '4 Gi' } } } }, '/drill/resources/limits/memory', /a quantity/],
  [
    { backup: { persistence: { accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'] } } },
    '/backup/persistence/accessModes',
    /alone/,
  ],
  [{ backup: { persistence: { storageClass: 'Fast' } } }, '/backup/persistence/storageClass', NAME],
  [{ backup: { persistence: { annotations: { 'a b': 'c' } } } }, '/backup/persistence/annotations/a b', KEY],
  [{ etcd: { auth: { existingSecret: 'a..b' } } }, '/etcd/auth/existingSecret', NAME],
  [{ etcd: { auth: { existingSecret: 'a.-b' } } }, '/etcd/auth/existingSecret', NAME],
  [{ heartbeat: { existingSecret: 'a-' } }, '/heartbeat/existingSecret', NAME],
  [{ heartbeat: { existingSecret: 'x'.repeat(254) } }, '/heartbeat/existingSecret', NAME],
  [{ heartbeat: { existingSecret: 'a', secretKey: '..' } }, '/heartbeat/secretKey', NAME],
  [{ heartbeat: { existingSecret: 'a', secretKey: '..a' } }, '/heartbeat/secretKey', NAME],
  [{ heartbeat: { existingSecret: 'a', secretKey: 'a/b' } }, '/heartbeat/secretKey', NAME],
  [{ serviceAccount: { name: 'My-Account' } }, '/serviceAccount/name', NAME],
  [{ serviceAccount: { annotations: { '/x': 'y' } } }, '/serviceAccount/annotations/~1x', KEY],
  [{ priorityClassName: 'a_b' }, '/priorityClassName', NAME],
  [{ timeZone: 'Local' }, '/timeZone', /IANA/],
  [{ timeZone: 'local' }, '/timeZone', /IANA/],
  [{ timeZone: ' UTC' }, '/timeZone', /IANA/],
  [{ timeZone: '/UTC' }, '/timeZone', /IANA/],
  [{ timeZone: 'Europe//Berlin' }, '/timeZone', /IANA/],
  [{ podLabels: { 'a b': 'c' } }, '/podLabels/a b', KEY],
  [{ podLabels: { [LONG]: 'c' } }, `/podLabels/${LONG}`, KEY],
  [{ podLabels: { 'A/b': 'c' } }, '/podLabels/A~1b', KEY],
  [{ podLabels: { a: LONG } }, '/podLabels/a', NAME],
  [{ podLabels: { a: 'x y' } }, '/podLabels/a', NAME],
  [{ podLabels: { a: '-x' } }, '/podLabels/a', NAME],
  [{ podAnnotations: { 'a_/': 'c' } }, '/podAnnotations/a_~1', KEY],
  [{ nodeSelector: { zone: 'a/b' } }, '/nodeSelector/zone', NAME],
  [{ extraEnv: [{ name: 'A=B', value: 'x' }] }, '/extraEnv/0/name', NAME],
  [{ extraEnv: [{ name: '', value: 'x' }] }, '/extraEnv/0/name', NAME],
  [
    { extraEnv: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] },
    '/extraEnv/0/value',
    /left out beside valueFrom/,
  ],
  [{ hostAliases: [{ ip: '999.1.1.1', hostnames: ['a'] }] }, '/hostAliases/0/ip', NAME],
  [{ hostAliases: [{ ip: '010.1.1.1', hostnames: ['a'] }] }, '/hostAliases/0/ip', NAME],
  [{ hostAliases: [{ ip: '10.1.1.1', hostnames: ['a..b'] }] }, '/hostAliases/0/hostnames/0', NAME],
  [{ dnsConfig: { searches: ['a b'] } }, '/dnsConfig/searches/0', NAME],
  [{ dnsConfig: { searches: ['Example.com'] } }, '/dnsConfig/searches/0', NAME],
  [{ podSecurityContext: { runAsUser: '' } }, '/podSecurityContext/runAsUser', NAME],
  [{ podSecurityContext: { fsGroup: 'staff' } }, '/podSecurityContext/fsGroup', NAME],
  [{ podSecurityContext: { runAsUser: -1 } }, '/podSecurityContext/runAsUser', /minimum/],
  [
    { securityContext: { readOnlyRootFilesystem: 'true' } },
    '/securityContext/readOnlyRootFilesystem',
    /got string/,
  ],
  [{ tolerations: [{ key: 'a', effect: 'Never' }] }, '/tolerations/0/effect', /one of/],
  [{ tolerations: [{ key: 'a', operator: 'In' }] }, '/tolerations/0/operator', /one of/],
  [{ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }, '/tolerations/0/value', /left out/],
  [{ tolerations: [{ operator: 'Equal' }] }, '/tolerations/0/operator', /Exists where there is no key/],
  [
    { tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 5 }] },
    '/tolerations/0/effect',
    /NoExecute where/,
  ],
  [{ tolerations: [{ keys: 'a', operator: 'Exists' }] }, '/tolerations/0', /'keys'/],
  [
    { backup: { hostPath: '/a/../b', persistence: { enabled: false } } },
    '/backup/hostPath',
    /without '..'|without \\'..\\'/,
  ],
  [{ etcd: { tls: { hostPath: { cacert: '/..' } } } }, '/etcd/tls/hostPath/cacert', /an absolute path/],
];

/** kube-apiserver takes these, and kubelet or a run could not do with them; or nobody means them. */
const STRICTER: Mistake[] = [
  // No Secret can have that name, which nobody asks before a pod starts.
  [{ imagePullSecrets: ['a..b'] }, '/imagePullSecrets/0', /does not match/],
  [{ image: { repository: 'Etcd-Upkeep' } }, '/image/repository', /small letters/],
  [{ image: { repository: 'ghcr.io/a b' } }, '/image/repository', /small letters/],
  [{ image: { repository: 'https://ghcr.io/a' } }, '/image/repository', /small letters/],
  [{ image: { repository: 'ghcr.io/a:1.0' } }, '/image/repository', /its tag is image.tag/],
  [
    { image: { repository: `ghcr.io/a@sha256:${'a'.repeat(64)}` } },
    '/image/repository',
    /its digest image.digest/,
  ],
  [{ image: { tag: 'a b' } }, '/image/tag', NAME],
  [{ image: { tag: ':1.0' } }, '/image/tag', NAME],
  [{ image: { digest: 'sha256:12' } }, '/image/digest', NAME],
  [{ drill: { image: 'quay.io/coreos/etcd:' } }, '/drill/image', /small letters/],
  // Seconds that a controller cannot add to a time: a deadline would be over at once.
  [{ startingDeadlineSeconds: 9_300_000_000 }, '/startingDeadlineSeconds', /maximum/],
  [{ activeDeadlineSeconds: 9_300_000_000 }, '/activeDeadlineSeconds', /maximum/],
  [{ terminationGracePeriodSeconds: '9300000000' }, '/terminationGracePeriodSeconds', /whole number/],
  [{ startingDeadlineSeconds: 0 }, '/startingDeadlineSeconds', /10 or more/],
  [{ terminationGracePeriodSeconds: '0' }, '/terminationGracePeriodSeconds', /10 or more/],
  [{ terminationGracePeriodSeconds: -1 }, '/terminationGracePeriodSeconds', /10 or more/],
  // Thousandths of a byte.
  [{ backup: { persistence: { size: '20m' } } }, '/backup/persistence/size', /above 0/],
  [{ drill: { sizeLimit: '0' } }, '/drill/sizeLimit', /above 0/],
];

/** kube-apiserver takes them. */
const TAKEN: object[] = [
  { backoffLimit: 2_147_483_647, failedJobsHistoryLimit: '2147483647', successfulJobsHistoryLimit: 0 },
  { startingDeadlineSeconds: 2_147_483_647, terminationGracePeriodSeconds: 2_147_483_647 },
  { drill: { enabled: true, activeDeadlineSeconds: 2_147_483_647 }, activeDeadlineSeconds: 2_147_483_647 },
  ...['20Gi', '0.5Gi', '.5Gi', '1e10', '1E9', 20_000_000_000, '1Ti', '100G'].map((size) => ({
    backup: { persistence: { enabled: true, size } },
    drill: { enabled: true, sizeLimit: size },
  })),
  {
    resources: {
      requests: { cpu: 0.1, memory: '192Mi' },
      limits: { cpu: '1500m', memory: '1e9', 'example.com/a': 1 },
    },
  },
  {
    backup: { persistence: { enabled: true, accessModes: ['ReadWriteOncePod'], storageClass: 'fast.local' } },
  },
  {
    backup: {
      persistence: { enabled: true, accessModes: ['ReadWriteOnce', 'ReadWriteMany'], storageClass: '-' },
    },
  },
  { etcd: { auth: { existingSecret: 'a.b-c', secretKeys: { username: '.a', password: 'A_b.c-' } } } },
  { serviceAccount: { create: false, name: 'a.b', annotations: { 'Example.com/Role': 'a b' } } },
  { priorityClassName: '', timeZone: 'America/Argentina/Buenos_Aires' },
  ...['UTC', 'Etc/GMT+5', 'EST5EDT', 'America/Port-au-Prince', ''].map((timeZone) => ({ timeZone })),
  {
    podLabels: { a: '', 'a.b/C_d': 'x'.repeat(63), ['x'.repeat(63)]: 'x.y_z-1' },
    podAnnotations: { 'A/b': 'any text, ü' },
  },
  {
    extraEnv: [
      { name: 'a b.c-d', value: 'x' },
      { name: 'B' },
      { name: 'C', value: '', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    ],
  },
  {
    tolerations: [
      { operator: 'Exists' },
      { key: 'a' },
      { key: 'a.b/c', operator: 'Equal', value: 'x', effect: 'NoExecute', tolerationSeconds: 5 },
    ],
  },
  { backup: { hostPath: '/var/..backups', persistence: { enabled: false } } },
  {
    hostAliases: [{ ip: '255.0.10.199', hostnames: ['a-b.c'] }],
    dnsConfig: { searches: ['a.b.', '_tcp.a_b'] },
  },
  { podSecurityContext: { runAsUser: '0', runAsGroup: 1000, fsGroup: 1_000_640_000 } },
  {
    image: { repository: 'localhost:5000/a__b/c-d.e', tag: 'v1.0_x' },
    drill: { image: `quay.io/coreos/etcd:v3.6.16@sha256:${'a'.repeat(64)}` },
  },
];

/** What only kube-apiserver knows: its time zones, and what stands in other values. */
const LEFT_TO_IT: object[] = [
  ...['Europe/Nowhere', 'europe/berlin', 'GMT+5'].map((timeZone) => ({ timeZone })),
  { resources: { requests: { memory: '1Gi' }, limits: { memory: '384Mi' } } },
];

for (const helm of HELM_VERSIONS) {
  test(`helm ${helm} says of one mistake one thing that is true`, async () => {
    const mistakes = [...TOLD_ONCE, ...REFUSED, ...STRICTER];
    const told = await problemsOf(
      helm,
      mistakes.map(([values]) => values),
    );
    for (const [index, [values, at, said]] of mistakes.entries()) {
      const [problem, ...more] = told[index] ?? [];
      assert.deepEqual(more, [], JSON.stringify(values));
      assert.equal(problem?.at, at, JSON.stringify(values));
      assert.match(problem.said, said);
    }
  });

  test(`helm ${helm} has nothing to say of what is right`, async () => {
    const right = [...RIGHT, ...TAKEN, ...LEFT_TO_IT];
    for (const [index, problems] of (await problemsOf(helm, right)).entries()) {
      assert.deepEqual(problems, [], JSON.stringify(right[index]));
    }
  });
}

/** Beside what a value is about: what it has to be there for. */
const AROUND = {
  etcd: { auth: { existingSecret: 'a' } },
  backup: { persistence: { enabled: true } },
  drill: { enabled: true },
};

test('a real kube-apiserver refuses and takes the same values', async () => {
  await using cluster = await startCluster();
  await using api = await startApiServer({ etcd: cluster });
  const verdict = await verdictOf(api);

  async function check(cases: readonly object[], taken: boolean): Promise<void> {
    const rows = cases.map((values) => over(AROUND, values));
    for (const [index, manifests] of (await renderEach(rows, { withoutSchema: true })).entries()) {
      const said = (await Promise.all(manifests.map(verdict))).filter((text) => text !== undefined);
      assert.equal(said.length === 0, taken, `${JSON.stringify(cases[index])} ${said.join(' ')}`);
    }
  }
  await check(
    REFUSED.map(([values]) => values),
    false,
  );
  await check(LEFT_TO_IT, false);
  await check([...STRICTER.map(([values]) => values), ...TAKEN], true);
});
