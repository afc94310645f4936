import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { KUBE_APISERVER } from './images.ts';
import { secret } from './objects.ts';
import { createJob, install, jobEnd, type JobSeen, logOf, NAMESPACE, upgrade } from './release.ts';

/** The drill up to the API, of a kubeadm cluster that encrypts its Secrets. */

const CRON_JOB = 'etcd-upkeep-drill';
/** The chart's own name for it in a Secret. */
const KEYS = 'encryption-provider-config.yaml';

const stack = new AsyncDisposableStack();
let node: Node;

before(async () => {
  const { path: folder } = stack.use(await scratchFolder('encryption'));
  const keys = encryptionConfig();
  await writeFile(join(folder, KEYS), keys);
  node = stack.use(
    await startNode({
      kubeApiServerImage: true,
      apiServerArgs: [`--encryption-provider-config=${join(folder, KEYS)}`],
    }),
  );
  await apply(
    node,
    secret(NAMESPACE, 'keys', { [KEYS]: keys }),
    secret(NAMESPACE, 'other-keys', { [KEYS]: encryptionConfig() }),
  );
  await install(node, release('keys'));
  await createJob(node, 'run');
  const { type, pods } = await jobEnd(node, 'run');
  assert.equal(type, 'Complete', (await logOf(node, pods[0]?.name ?? '')).text);
});

after(() => stack.disposeAsync());

test('with the keys of the cluster: per resource what is served is what is stored, and every Secret was read', async () => {
  const { type, pods } = await drill('right');
  const text = await kubeSystem('logs', 'job/right', '--all-containers');
  assert.equal(type, 'Complete', text);
  assert.equal(pods.length, 1);
  const said = await kubeSystem('logs', 'job/right', '--container=drill');
  for (const resource of ['secrets', 'configmaps', 'cronjobs', 'clusterroles']) {
    assert.match(said, new RegExp(`^${resource} +(\\d+) +\\1 +same$`, 'm'));
  }
  assert.match(said, /^secrets +3 /m);
  assert.match(said, /, 3 Secrets read by name; /);
  assert.doesNotMatch(said, /differs/);
  assert.match(said, /came back whole/);
});

test("the API server is the cluster's own version, found without a value", async () => {
  const image = '--output=jsonpath={.items[0].spec.initContainers[?(@.name=="kube-apiserver")].image}';
  assert.equal(await kubeSystem('get', 'pods', '--selector=job-name=right', image), KUBE_APISERVER);
});

test('with other keys: drill ends with 4, the Job at once, and it names the Secrets that cannot be read', async () => {
  await upgrade(node, release('other-keys'));
  const { type, reason, message, pods } = await drill('wrong');
  assert.deepEqual({ type, reason }, { type: 'Failed', reason: 'PodFailurePolicy' });
  assert.match(message, /Container drill for pod \S+ failed with exit code 4/);
  assert.equal(pods.length, 1);
  const said = pods[0]?.containers.drill?.message ?? '';
  assert.match(said, /secrets/);
  assert.match(said, /kube-system\/keys\b/);
});

const release = (existingSecret: string) => ({
  values: {
    suspend: true,
    drill: { enabled: true, kubernetes: { enabled: true, encryptionConfig: { existingSecret } } },
  },
});

async function drill(name: string): Promise<JobSeen> {
  await createJob(node, name, NAMESPACE, CRON_JOB);
  return jobEnd(node, name);
}

const kubeSystem = (...args: string[]) => node.kubectl('-n', NAMESPACE, ...args);

function encryptionConfig(): string {
  return `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - secretbox:
          keys:
            - name: of-the-tests
              secret: ${randomBytes(32).toString('base64')}
`;
}
