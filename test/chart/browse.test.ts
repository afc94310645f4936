import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CHART, containersOf, HELM_VERSIONS, type PodSpec, render, renderCronJob } from './chart.ts';
import { renderEach } from './many.ts';
import { rulesOf } from './rules.ts';
import { type Server, startServer } from './server.ts';

/** The CronJob that never runs by itself, and what people make of it. */

const KUBERNETES = { image: 'registry.example.com/kube-apiserver:v1.36.3' };
const BROWSE = { browse: { enabled: true }, drill: { kubernetes: KUBERNETES } };
const EVERYTHING = { ...BROWSE, drill: { enabled: true, kubernetes: { ...KUBERNETES, enabled: true } } };

const browseOf = async (values: object) => (await renderCronJob({ values }, 'browse')).spec;
const podOf = async (values: object): Promise<PodSpec> =>
  (await browseOf(values)).jobTemplate.spec.template.spec;

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

test('there is none unless it is asked for, not with a kube-apiserver in the drill either', async () => {
  const drill = { drill: { enabled: true, kubernetes: { ...KUBERNETES, enabled: true } } };
  for (const manifests of await renderEach([{}, drill, { ...drill, browse: { ttl: '2h' } }])) {
    assert.ok(manifests.every(({ metadata }) => !metadata.name.includes('browse')));
  }
});

test('suspended in every case, for as many at once as people want, and gone ten minutes after its end', async () => {
  const { jobTemplate, ...spec } = await browseOf({ ...BROWSE, suspend: false });
  assert.deepEqual(spec, { suspend: true, schedule: '0 0 1 1 *', concurrencyPolicy: 'Allow' });
  const { template, ...job } = jobTemplate.spec;
  assert.deepEqual(job, { backoffLimit: 0, activeDeadlineSeconds: 7260, ttlSecondsAfterFinished: 600 });
  assert.equal(template.metadata.labels['app.kubernetes.io/component'], 'browse');
});

test("a drill's pod with another last container, which knows its own name", async () => {
  const drill = (await renderCronJob({ values: EVERYTHING }, 'drill')).spec.jobTemplate.spec.template.spec;
  const pod = await podOf({ ...EVERYTHING, browse: { enabled: true, ttl: '1h30m' } });
  const [main] = pod.containers;
  const [drillMain] = drill.containers;
  assert.deepEqual(
    { ...pod, containers: undefined, activeDeadlineSeconds: undefined },
    { ...drill, containers: undefined, activeDeadlineSeconds: undefined },
  );
  assert.equal(pod['activeDeadlineSeconds'], 3600 + 5400);
  assert.deepEqual(main, {
    ...drillMain,
    name: 'browse',
    args: [
      ['browse', '--receipt', '/drill/receipt.json', '--ttl', '1h30m'],
      ['--apiserver-log', '/drill/kube-apiserver.log', '--apiserver-timeout', '2m'],
    ].flat(),
    env: [
      { name: 'KUBECONFIG', value: '/apiserver/kubeconfig' },
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
    ],
  });
});

test('it needs no drill: the values below drill are its own too', async () => {
  const drill = {
    sizeLimit: '1Gi',
    activeDeadlineSeconds: 600,
    resources: { limits: { memory: '1Gi' } },
    clusterId: 'abc',
    ageIdentity: { existingSecret: 'backup-key' },
    kubernetes: { ...KUBERNETES, encryptionConfig: { existingSecret: 'encryption' }, startupTimeout: '1m' },
  };
  const pod = await podOf({ ...BROWSE, drill });
  assert.equal(pod['activeDeadlineSeconds'], 600 + 3600);
  const text = JSON.stringify(pod);
  for (const value of ['"1Gi"', '"abc"', '"backup-key"', '"encryption"', '"1m"'])
    assert.ok(text.includes(value));
});

test('no ttl makes a deadline that the API server refuses', async () => {
  const drill = { activeDeadlineSeconds: 2_147_483_647, kubernetes: KUBERNETES };
  const pod = await podOf({ browse: { enabled: true, ttl: '24h' }, drill });
  assert.equal(pod['activeDeadlineSeconds'], 2_147_483_647);
});

test('where there is no backup to look into, or none that can be opened: refused by the key', async () => {
  const backup = { ageRecipients: [`age1${'q'.repeat(58)}`] };
  for (const helm of HELM_VERSIONS) {
    await assert.rejects(
      render({ helm, values: { ...BROWSE, backup: { enabled: false, skipConfirmed: true } } }),
      /\/browse\/enabled': value must be 'false where no backup is taken/,
    );
    await assert.rejects(
      render({ helm, values: { ...BROWSE, backup } }),
      /\/drill\/ageIdentity\/existingSecret': value must be 'a Secret with an identity/,
    );
  }
});

test('no alert knows of it, and none is about Jobs: one that fails wakes nobody up', async () => {
  const prometheusRule = { enabled: true };
  const rules = await rulesOf({ values: { ...BROWSE, prometheusRule } });
  assert.deepEqual(rules, await rulesOf({ values: { prometheusRule } }));
  assert.doesNotMatch(JSON.stringify(rules), /kube_(job|cronjob|pod)/);
});

describe('with kubectl', () => {
  let server: Server;
  before(async () => {
    server = await startServer();
  });
  after(() => server[Symbol.asyncDispose]());

  test('the notes say how one is made, of the latest backup or of another, and find no run in its place', async () => {
    const args = [
      '--set=browse.enabled=true,hostNetwork=false',
      `--set=drill.kubernetes.image=${KUBERNETES.image}`,
    ];
    const notes = await server.helm('4.3', 'kube-system', 'install', 'etcd-upkeep', CHART, ...args);
    const commands = [...notes.matchAll(/^ {2}(kubectl .*create job .*(?:\n {4}\|.*)?)$/gm)].map(
      ([, text = '']) => text,
    );
    const [latest = '', other = ''] = commands.filter((command) => command.includes('browse'));
    const said = await server.api.kubectl(...latest.split(' ').slice(1));
    assert.match(said, /job\.batch\/etcd-upkeep-browse-by-hand created/);
    const [create = '', set = '', make = ''] = other
      .split(/\s*\|\s*/)
      .map((part) => part.replace(/\s*\\$/, ''));
    const job = await server.api.kubectl(...create.trim().split(/\s+/).slice(1));
    const changed = await server.api.kubectlWithInput(job, ...set.split(' ').slice(1));
    assert.match(make, /^kubectl -n kube-system create -f -$/);
    const fetch = containersOf(await made(changed)).find(({ name }) => name === 'fetch');
    assert.equal(fetch?.env.find(({ name }) => name === 'BACKUP')?.value, 'NAME');
    const wanted = /-l '(app\.kubernetes\.io\/name=\S+ notin \(drill,browse\))'/.exec(notes);
    assert.ok(wanted, notes);
    // Neither the pod nor its log is there at once: what asks for them only once would fail.
    assert.match(
      notes,
      /^ {2}until kubectl .* logs --follow job\/etcd-upkeep-browse-by-hand -c browse; do sleep 1; done$/m,
    );
    assert.doesNotMatch(notes, /kubectl .* wait /);
  });

  /** Makes a Job. @returns its pod as kube-apiserver has it */
  async function made(text: string): Promise<PodSpec> {
    const stored = await server.api.kubectlWithInput(
      text,
      '-n=kube-system',
      'create',
      '-f=-',
      '--output=json',
    );
    return JSON.parse(stored).spec.template.spec;
  }
});

test('the CronJobs of one release have three names', async () => {
  const manifests = await render({ file: join(CHART, 'ci/browse-values.yaml') });
  const names = manifests.filter(({ kind }) => kind === 'CronJob').map(({ metadata }) => metadata.name);
  assert.deepEqual(names.toSorted(), ['etcd-upkeep', 'etcd-upkeep-browse', 'etcd-upkeep-drill']);
});
