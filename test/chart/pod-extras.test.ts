import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HELM_VERSIONS, type PodSpec, render, renderPods, type RenderOptions } from './chart.ts';
import { type DryRun, startDryRun } from './dry-run.ts';

/** What a pod can have beside what the chart says of it, and what of it is refused in words. */

let dryRun: DryRun;
before(async () => {
  dryRun = await startDryRun();
});
after(() => dryRun[Symbol.asyncDispose]());

const DRILL = { drill: { enabled: true } };

async function podsOf(options: RenderOptions): Promise<[run: PodSpec, drill: PodSpec]> {
  const { run, drill } = await renderPods(options);
  return [run, drill];
}

const EXTRAS = {
  hostAliases: [
    { ip: '10.0.0.1', hostnames: ['etcd-0.internal', 'etcd-1.internal'] },
    { ip: '2001:db8::1', hostnames: ['s3.internal'] },
  ],
  dnsPolicy: 'None',
  dnsConfig: {
    nameservers: ['10.96.0.10'],
    searches: ['svc.cluster.local'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  },
};
const SPREAD = {
  maxSkew: 1,
  topologyKey: 'kubernetes.io/hostname',
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'etcd-upkeep' } },
};
const POD_SPEC = {
  runtimeClassName: 'kata',
  schedulerName: 'volcano',
  shareProcessNamespace: false,
  topologySpreadConstraints: [SPREAD],
};

describe('run and drill', () => {
  for (const helm of HELM_VERSIONS) {
    test(`have names, resolver and the rest of a pod, helm ${helm}`, async () => {
      const bare = await podsOf({ helm, values: DRILL });
      const values = { ...DRILL, ...EXTRAS, extraPodSpec: POD_SPEC };
      const pods = await podsOf({ helm, values });
      for (const [index, pod] of pods.entries()) {
        assert.deepEqual(pod, { ...bare[index], ...EXTRAS, ...POD_SPEC });
      }
    });
  }

  test('on the host network and off it, as a real API server takes it', async () => {
    for (const hostNetwork of [true, false]) {
      const values = { ...DRILL, ...EXTRAS, extraPodSpec: POD_SPEC, hostNetwork };
      await dryRun.apply({ values });
      await dryRun.applyOnServer({ values });
      const [run, drill] = await podsOf({ values });
      assert.deepEqual([run['hostNetwork'], drill['hostNetwork']], [hostNetwork, false]);
    }
  });

  test('a null in the rest of a pod is nothing', async () => {
    const options = { values: { ...DRILL, extraPodSpec: { runtimeClassName: null } } };
    assert.deepEqual(await podsOf(options), await podsOf({ values: DRILL }));
  });
});

test('what a pod has already is refused in extraPodSpec, each key with what to do', async () => {
  const values = {
    ...DRILL,
    ...EXTRAS,
    imagePullSecrets: [{ name: 'pull' }],
    affinity: { nodeAffinity: {} },
  };
  const keys = new Set((await podsOf({ values })).flatMap((pod) => Object.keys(pod)));
  const extraPodSpec = Object.fromEntries([...keys].map((key) => [key, 'x']));
  await assert.rejects(render({ values: { extraPodSpec } }), ({ message }: Error) => {
    for (const key of keys)
      assert.match(message, new RegExp(`/extraPodSpec/${key}': value must be 'left out: `));
    return true;
  });
});

/** Values that cannot work -> what is said of them. */
const REFUSED: Record<string, [options: RenderOptions, message: RegExp]> = {
  'an address twice': [
    { values: { hostAliases: ['a', 'b'].map((name) => ({ ip: '10.0.0.1', hostnames: [name] })) } },
    /hostAliases has the address 10\.0\.0\.1 twice.*put all its hostnames into one/,
  ],
  'an address that is none': [
    { values: { hostAliases: [{ ip: 'etcd.internal', hostnames: ['a'] }] } },
    /\/hostAliases\/0\/ip':/,
  ],
  'no name server at all': [
    { values: { dnsPolicy: 'None', dnsConfig: { searches: ['a'] } } },
    /\/dnsPolicy': value must be 'another than None where dnsConfig\.nameservers is empty/,
  ],
  'an option of the resolver that is a number': [
    { values: { dnsConfig: { options: [{ name: 'ndots', value: 2 }] } } },
    /\/dnsConfig\/options\/0\/value': got number, want string/,
  ],
};

describe('helm refuses', () => {
  for (const helm of HELM_VERSIONS) {
    for (const [what, [options, message]] of Object.entries(REFUSED)) {
      test(`${what}, helm ${helm}`, () => assert.rejects(render({ helm, ...options }), { message }));
    }
  }
});
