import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { CHART, HELM_VERSIONS, type Manifest, podsIn, type PodSpec, renderText, runHelm } from './chart.ts';
import { renderEach } from './many.ts';
import { LINUX, ON_CONTROL_PLANE } from './nodes.ts';

/** On which nodes run and drill may be, and as whom they run. */

const withDrill = (values: object): object => ({ ...values, drill: { enabled: true } });

const nodesOf = ({ nodeSelector, tolerations, affinity }: PodSpec) => ({
  nodeSelector,
  ...(tolerations !== undefined && { tolerations }),
  ...(affinity !== undefined && { affinity }),
});

const { tolerations: TOLERATED, affinity: CONTROL_PLANE } = ON_CONTROL_PLANE;
const ANYWHERE = { nodeSelector: LINUX };
const PINNED = { 'kubernetes.io/hostname': 'cp-1' };
const CLAIM = { backup: { persistence: { enabled: true } } };
const BUCKET = { clusterName: 'c', backup: { store: 's3://bucket' } };
/** A pod on the pod network that needs no node in particular. */
const ELSEWHERE = { ...CLAIM, hostNetwork: false, etcd: { tls: { existingSecret: 'etcd-client' } } };

const OWN_AFFINITY = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'etcd', operator: 'Exists' }] }],
    },
  },
};
const OWN_TOLERATIONS = [{ operator: 'Exists' }];

/** Values -> where the run may be and, where that is elsewhere, where the drill. */
const NODES: Record<string, [values: object, run: object, drill?: object]> = {
  'by default: the control plane, whatever the value of its label': [
    {},
    { ...ANYWHERE, ...ON_CONTROL_PLANE },
  ],
  'a node selector takes the place of that, and the taint still does not matter': [
    { nodeSelector: PINNED },
    { nodeSelector: { ...LINUX, ...PINNED }, tolerations: TOLERATED },
  ],
  'so does an affinity': [
    { affinity: OWN_AFFINITY },
    { ...ANYWHERE, tolerations: TOLERATED, affinity: OWN_AFFINITY },
  ],
  'tolerations take the place of the one by default': [
    { tolerations: OWN_TOLERATIONS },
    { ...ANYWHERE, tolerations: OWN_TOLERATIONS, affinity: CONTROL_PLANE },
  ],
  'what is empty or null is not given': [
    { nodeSelector: { disk: null }, affinity: {}, tolerations: [] },
    { ...ANYWHERE, ...ON_CONTROL_PLANE },
  ],
  'another system, for whoever has an image for it': [
    { nodeSelector: { 'kubernetes.io/os': 'plan9' } },
    { nodeSelector: { 'kubernetes.io/os': 'plan9' }, tolerations: TOLERATED },
  ],
  'a drill reads a claim from anywhere, and its volume may be on the control plane, where the run is': [
    CLAIM,
    { ...ANYWHERE, ...ON_CONTROL_PLANE },
    { ...ANYWHERE, tolerations: TOLERATED },
  ],
  'so may an existing claim among the extra volumes': [
    {
      backup: { hostPath: '' },
      extraVolumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }],
      extraVolumeMounts: [{ name: 'disk', mountPath: '/backups' }],
    },
    { ...ANYWHERE, ...ON_CONTROL_PLANE },
    { ...ANYWHERE, tolerations: TOLERATED },
  ],
  'a bucket it reads from anywhere but the control plane': [
    BUCKET,
    { ...ANYWHERE, ...ON_CONTROL_PLANE },
    ANYWHERE,
  ],
  'where a selector names a node of the control plane, the drill may be there too': [
    { ...BUCKET, nodeSelector: PINNED },
    { nodeSelector: { ...LINUX, ...PINNED }, tolerations: TOLERATED },
  ],
  'and where an affinity does': [
    { ...BUCKET, affinity: OWN_AFFINITY },
    { ...ANYWHERE, tolerations: TOLERATED, affinity: OWN_AFFINITY },
  ],
  'but where it was told to': [
    { ...CLAIM, nodeSelector: PINNED, tolerations: OWN_TOLERATIONS },
    { nodeSelector: { ...LINUX, ...PINNED }, tolerations: OWN_TOLERATIONS },
  ],
  'it follows the run to a store that is a folder of the node among the extra volumes': [
    {
      backup: { hostPath: '' },
      extraVolumes: [{ name: 'disk', hostPath: { path: '/mnt/disk' } }],
      extraVolumeMounts: [{ name: 'disk', mountPath: '/backups' }],
    },
    { ...ANYWHERE, ...ON_CONTROL_PLANE },
  ],
  'without the host network: any node': [ELSEWHERE, ANYWHERE],
  'without it, with what is given': [
    { ...ELSEWHERE, nodeSelector: PINNED, affinity: OWN_AFFINITY, tolerations: OWN_TOLERATIONS },
    { nodeSelector: { ...LINUX, ...PINNED }, tolerations: OWN_TOLERATIONS, affinity: OWN_AFFINITY },
  ],
};

for (const helm of HELM_VERSIONS) {
  describe(`on which nodes, helm ${helm}`, () => {
    let made: Manifest[][];
    before(async () => {
      made = await renderEach(
        Object.values(NODES).map(([values]) => withDrill(values)),
        { helm },
      );
    });

    for (const [index, [what, [, run, drill = run]]] of Object.entries(NODES).entries()) {
      test(what, () => {
        const pods = podsIn(made[index] ?? []);
        assert.deepEqual(nodesOf(pods.run), run);
        assert.deepEqual(nodesOf(pods.drill), drill, 'the drill');
        assert.equal(pods.drill['hostNetwork'], false);
      });
    }
  });
}

const ROOT = { runAsUser: 0, runAsGroup: 0 };
const OWN = { runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532, fsGroup: 65_532 };
const FOR_ALL = { fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: { type: 'RuntimeDefault' } };
const as = (podSecurityContext: object, values: object = ELSEWHERE) => ({ ...values, podSecurityContext });

/** Values -> as whom run and drill run. */
const USERS: Record<string, [values: object, user: object, on?: 'OpenShift']> = {
  'root, by default: certificates and backups are files of the node': [{}, ROOT],
  'root, for certificates of the node': [{ ...CLAIM, hostNetwork: false }, ROOT],
  'root, for backups on the node': [{ etcd: ELSEWHERE.etcd }, ROOT],
  'root, for metrics on the node': [{ ...ELSEWHERE, metrics: { textfile: { enabled: true } } }, ROOT],
  'root, for a folder of the node among the extra volumes': [
    { ...ELSEWHERE, extraVolumes: [{ name: 'disk', hostPath: { path: '/mnt' } }] },
    ROOT,
  ],
  'a user of its own, with a Secret and a claim': [ELSEWHERE, OWN],
  'with a Secret and a bucket': [{ ...BUCKET, etcd: ELSEWHERE.etcd }, OWN],
  'without TLS and without a backup': [
    {
      ...CLAIM,
      etcd: { endpoints: ['http://etcd:2379'], tls: { enabled: false } },
      extraVolumes: [{ name: 'empty', emptyDir: {} }],
    },
    OWN,
  ],
  'the user of the namespace, on OpenShift': [ELSEWHERE, { runAsNonRoot: true }, 'OpenShift'],
  'root on OpenShift too, for files of the node': [{}, ROOT, 'OpenShift'],
  'what is given wins, key by key': [
    as({ runAsUser: 1000, fsGroup: 2000 }),
    { ...OWN, runAsUser: 1000, fsGroup: 2000 },
  ],
  'on files of the node too': [as({ runAsUser: 65_532 }, {}), { ...ROOT, runAsUser: 65_532 }],
  'an ID may come as text, and one that begins with 0 is not octal': [
    as({ runAsUser: '065532', fsGroup: '010' }),
    { ...OWN, fsGroup: 10 },
  ],
  'on OpenShift too': [as({ fsGroup: 7 }), { runAsNonRoot: true, fsGroup: 7 }, 'OpenShift'],
  'a 0 is not lost, and a root has no default group but his': [as({ runAsUser: 0 }), ROOT],
  'nor is a false': [as({ runAsNonRoot: false }), { ...OWN, runAsNonRoot: false }],
  'a null takes nothing away': [as({ runAsUser: null, runAsNonRoot: null }), OWN],
  'what the containers are told counts as well': [
    { ...ELSEWHERE, securityContext: { runAsUser: 0 } },
    { runAsGroup: 0 },
  ],
};

for (const helm of HELM_VERSIONS) {
  describe(`as whom, helm ${helm}`, () => {
    const rows = Object.values(USERS).map(([values]) => withDrill(values));
    let anywhere: Manifest[][];
    let onOpenShift: Manifest[][];
    before(async () => {
      anywhere = await renderEach(rows, { helm });
      onOpenShift = await renderEach(rows, { helm, apiVersions: ['security.openshift.io/v1'] });
    });

    for (const [index, [what, [, user, on]]] of Object.entries(USERS).entries()) {
      test(what, () => {
        const { run, drill } = podsIn((on === undefined ? anywhere : onOpenShift)[index] ?? []);
        assert.deepEqual(run['securityContext'], { ...FOR_ALL, ...user });
        assert.deepEqual(drill['securityContext'], run['securityContext'], 'backups are for one user alone');
      });
    }
  });
}

describe('as whom', { concurrency: 2 }, () => {
  const REFUSED: Record<string, object> = {
    'by default': as({ runAsNonRoot: true }, {}),
    'of a user that was set to 0': as({ runAsNonRoot: true, runAsUser: 0 }),
    'of a container': { securityContext: { runAsNonRoot: true } },
    'of a user of the containers': { ...as({ runAsNonRoot: true }), securityContext: { runAsUser: 0 } },
  };
  for (const [what, values] of Object.entries(REFUSED)) {
    test(`a root that must not be one is refused in words: ${what}`, async () => {
      for (const helm of HELM_VERSIONS) {
        await assert.rejects(
          renderText({ helm, values }),
          /which kubelet then never starts.*Take runAsNonRoot away/,
        );
      }
    });
  }
});

test('the notes ask for nodes where the certificates are on some of them, and the run may be on any', async () => {
  const unplaced = { hostNetwork: false };
  assert.match(await notesOf(unplaced), /Nodes {2}any, .*: say which nodes have them/);
  for (const values of [{}, ELSEWHERE, { ...unplaced, nodeSelector: PINNED }]) {
    assert.doesNotMatch(await notesOf(values), /^Nodes/m);
  }
});

async function notesOf(values: object): Promise<string> {
  const said = await runHelm(['install', 'etcd-upkeep', CHART, '--dry-run=client'], { values });
  return said.slice(said.indexOf('NOTES:'));
}
