import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  isCronJob,
  isJob,
  type JobSpec,
  type Manifest,
  nameOf,
  parseManifests,
  type PodSpec,
  renderText,
  valuesFiles,
} from './chart.ts';
import { makeNamespaces, type Server, startServer } from './server.ts';
import { isMap } from './values.ts';

/** A real kube-apiserver says what a real one would take, and what its Pod Security lets in. */

/** From what lets in the least. A namespace of each name enforces it and warns by it. */
const LEVELS = ['restricted', 'baseline', 'privileged'] as const;
type Level = (typeof LEVELS)[number];

/** The presets that use nothing of the node, and a kube-apiserver beside them. Others of whom that holds are found by what they render. */
const RESTRICTED = ['external', 'statefulset', 'talos', 'kamaji', 'vcluster', 'browse-values'];

const DRY_RUN = ['--dry-run=server', '--validate=strict', '--warnings-as-errors', '--filename=-'];

let server: Server;

before(async () => {
  // There are no controllers that would make the ServiceAccounts of a pod.
  server = await startServer(['--disable-admission-plugins=ServiceAccount']);
  await makeNamespaces(server.api, ...LEVELS);
  for (const level of LEVELS) {
    const modes = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=${level}`);
    await server.api.kubectl('label', 'namespace', level, ...modes);
  }
});

after(() => server[Symbol.asyncDispose]());

describe('kube-apiserver takes', { concurrency: 2 }, async () => {
  for (const file of await valuesFiles()) {
    test(`what ${nameOf(file)} makes, in a namespace that lets in no more than it needs`, async () => {
      const level = levelOf(parseManifests(await renderText({ file })).flatMap(podsOf));
      if (RESTRICTED.includes(nameOf(file))) assert.equal(level, 'restricted');

      const text = await renderText({ file, namespace: level });
      const manifests = parseManifests(text);
      await makeNamespaces(
        server.api,
        ...new Set(manifests.flatMap(({ metadata }) => metadata.namespace ?? [])),
      );
      const said = await server.api.kubectlWithInput(text, 'apply', ...DRY_RUN);
      assert.match(said, /cronjob.batch\/etcd-upkeep created \(server dry run\)/);
      await createPods(manifests.flatMap(podsOf), level);
    });
  }
});

test('Pod Security is asked: what needs the node is not let in where nothing of it may be used', async () => {
  const text = await renderText({ namespace: 'restricted' });
  await assert.rejects(
    server.api.kubectlWithInput(text, 'apply', ...DRY_RUN),
    /would violate PodSecurity "restricted/,
  );
  await assert.rejects(
    createPods(parseManifests(text).flatMap(podsOf), 'baseline'),
    /violates PodSecurity "baseline/,
  );
});

test('browse alone, as docs/browse.md has it for a namespace of its own, is let in where least is', async () => {
  const values = {
    suspend: true,
    hostNetwork: false,
    etcd: { tls: { enabled: false } },
    browse: { enabled: true },
    clusterName: 'prod',
    backup: { store: 's3://backups/etcd', s3: { existingSecret: 'bucket' } },
    drill: { kubernetes: { encryptionConfig: { existingSecret: 'encryption' } } },
  };
  const text = await renderText({ namespace: 'restricted', values });
  const said = await server.api.kubectlWithInput(text, 'apply', ...DRY_RUN);
  assert.match(said, /cronjob.batch\/etcd-upkeep-browse created/);
  await createPods(parseManifests(text).flatMap(podsOf), 'restricted');
});

test('what only kube-apiserver can know is refused by name', async () => {
  const text = await renderText({ values: { timeZone: 'Europe/Nowhere' } });
  await assert.rejects(
    server.api.kubectlWithInput(text, 'apply', '--dry-run=server', '--filename=-'),
    /spec\.timeZone: Invalid value: "Europe\/Nowhere"/,
  );
});

type Template = JobSpec['template'];

function podsOf(manifest: Manifest): Template[] {
  if (isCronJob(manifest)) return [manifest.spec.jobTemplate.spec.template];
  return isJob(manifest) ? [manifest.spec.template] : [];
}

/** The level that lets in no more than those pods need. */
function levelOf(templates: Template[]): Level {
  const specs = templates.map(({ spec }) => spec);
  if (specs.some(usesNode)) return 'privileged';
  return specs.some(isRoot) ? 'baseline' : 'restricted';
}

const usesNode = ({ hostNetwork, volumes = [] }: PodSpec): boolean =>
  hostNetwork === true || volumes.some((volume) => 'hostPath' in volume);

const isRoot = ({ securityContext }: PodSpec): boolean =>
  !isMap(securityContext) || securityContext['runAsNonRoot'] !== true;

/** A namespace refuses pods: of what makes them later it warns only. */
async function createPods(templates: Template[], namespace: Level): Promise<void> {
  const items = templates.map(({ metadata, spec }, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: `pod-${index}`, namespace },
    spec,
  }));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await server.api.kubectlWithInput(list, 'apply', ...DRY_RUN);
}
