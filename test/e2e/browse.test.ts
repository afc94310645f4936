import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { request } from '../support/http-request.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { REPOSITORY } from '../support/repository.ts';
import { onlyBackup } from '../support/stored-backup.ts';
import { createBrowse, reach, waitForData, type Yesterday } from './browsing.ts';
import { secret } from './objects.ts';
import { createJob, install, jobEnd, logOf, NAMESPACE, upgrade } from './release.ts';

/** The Kubernetes API of a backup, as a person reaches it. */

const release = (ttl: string) => ({ values: { suspend: true, browse: { enabled: true, ttl } } });

const stack = new AsyncDisposableStack();
let node: Node;
/** The name of the older of two backups. */
let older: string;
let latest: Yesterday;

before(async () => {
  node = stack.use(await startNode({ kubeApiServerImage: true }));
  await install(node, release('1h'));
  await apply(node, secret('default', 'first', { key: 'of the first' }));
  await backUp('run-1');
  older = (await onlyBackup(join(node.backups, 'etcd-upkeep'))).manifest.name;
  await apply(node, secret('default', 'second', { key: 'of the second' }));
  await backUp('run-2');
  await node.kubectl('delete', 'secrets', 'first', 'second');
});

after(() => stack.disposeAsync());

test('from the command to the first answer', async (t) => {
  const startedAt = Date.now();
  await createBrowse(node, 'yesterday');
  latest = stack.use(await reach(node, 'yesterday'));
  assert.equal(await names(latest), 'secret/first\nsecret/second\n');
  t.diagnostic(`the first answer came after ${((Date.now() - startedAt) / 1000).toFixed(1)} s; of these`);
  await tellShares(t, latest.pod);
});

test('a Secret that was deleted is there with its value; nothing can be written', async () => {
  assert.equal(
    await latest.kubectl('get', 'secret', 'second', '--output=jsonpath={.data.key}'),
    Buffer.from('of the second').toString('base64'),
  );
  await assert.rejects(latest.kubectl('create', 'configmap', 'new'), /forbidden/i);
  await assert.rejects(latest.kubectl('delete', 'secret', 'first'), /forbidden/i);
  await assert.rejects(latest.kubectl('patch', 'secret', 'first', '--patch={"data":null}'), /forbidden/i);
  await assert.rejects(latest.kubectl('get', 'secrets', '--as=system:admin'), /forbidden/i);
});

test('another backup at the same time, by its name, for somebody with the Role of docs/browse.md', async () => {
  const reader = await withRole('reader');
  await createBrowse(reader, 'monday', older);
  await using monday = await reach(reader, 'monday');
  await assert.rejects(reader.kubectl('-n', NAMESPACE, 'get', 'secrets'), /forbidden/);
  assert.equal(await names(monday), 'secret/first\n');
  assert.equal(await names(latest), 'secret/first\nsecret/second\n');
  await refusesOthers(monday.pod);
});

/** The node, as a user sees it who may do there what the document says. */
async function withRole(user: string): Promise<Node> {
  const page = await readFile(join(REPOSITORY, 'docs/browse.md'), 'utf8');
  const role = /^```yaml\n([^`]*\nkind: Role\n[^`]*)```$/m.exec(page)?.[1] ?? '';
  const input = role.replace('namespace: etcd-browse', `namespace: ${NAMESPACE}`);
  await node.kubectlWithInput(input, 'create', '--validate=strict', '--filename=-');
  await kubeSystem('create', 'rolebinding', user, '--role=browse-backups', `--user=${user}`);
  const kubeconfig = await node.api.kubeconfigFor({ name: user, user });
  return {
    ...node,
    env: { ...node.env, KUBECONFIG: kubeconfig },
    kubectl: (...args) => node.kubectl(`--kubeconfig=${kubeconfig}`, ...args),
  };
}

/** Neither from the node nor from another pod, which is the one given. */
async function refusesOthers(other: string): Promise<void> {
  const address = await kubeSystem('get', 'pod', latest.pod, '--output=jsonpath={.status.podIP}');
  assert.match(address, /^10\.244\./);
  for (const port of [2379, 2380, 6443]) {
    await assert.rejects(request(`http://${address}:${port}/`, { tls: undefined }), /ECONNREFUSED/);
    const dial = `fetch('http://${address}:${port}').catch((error) => console.log(error.cause.code))`;
    const seen = await kubeSystem('exec', other, '--container=browse', '--', 'node', '-e', dial);
    assert.equal(seen, 'ECONNREFUSED\n');
  }
}

test('a pod that is deleted takes its data with it, and its Job makes no other', async () => {
  const data = await waitForData(node, 'some');
  assert.ok(
    data.some((file) => file.includes('/drill/etcd/member/')),
    data.join(', '),
  );
  await kubeSystem('delete', 'job', 'monday', '--wait=false');
  await kubeSystem('delete', 'pod', latest.pod, '--grace-period=0', '--force');
  assert.equal((await jobEnd(node, 'yesterday')).type, 'Failed');
  await waitForData(node, 'none');
});

test('killed in the middle of the restore it leaves nothing', async () => {
  await createBrowse(node, 'killed');
  await kubeSystem('wait', '--for=create', 'pod', '--selector=job-name=killed', '--timeout=60s');
  await waitForData(node, 'some');
  await kubeSystem('delete', 'pods', '--selector=job-name=killed', '--grace-period=0', '--force');
  await waitForData(node, 'none');
});

test('nobody comes: it ends by itself, and its data are gone', async () => {
  await upgrade(node, release('3s'));
  await createBrowse(node, 'unused');
  const { type, pods } = await jobEnd(node, 'unused');
  assert.equal(type, 'Complete', JSON.stringify(pods));
  await waitForData(node, 'none');
});

async function backUp(name: string): Promise<void> {
  await createJob(node, name);
  const { type, pods } = await jobEnd(node, name);
  assert.equal(type, 'Complete', (await logOf(node, pods[0]?.name ?? '')).text);
}

const names = (day: Yesterday) => day.kubectl('get', 'secrets', '--output=name');

const kubeSystem = (...args: string[]) => node.kubectl('-n', NAMESPACE, ...args);

/** When each container was started, and the first of them ended. */
async function tellShares(t: TestContext, pod: string): Promise<void> {
  const { metadata, status }: PodTimes = JSON.parse(await kubeSystem('get', 'pod', pod, '--output=json'));
  const since = (time = '') => (Date.parse(time) - Date.parse(metadata.creationTimestamp)) / 1000;
  for (const { name, state } of [...status.initContainerStatuses, ...status.containerStatuses]) {
    const { startedAt, finishedAt } = state.running ?? state.terminated ?? {};
    t.diagnostic(`${name}: from ${since(startedAt)} s${finishedAt ? ` to ${since(finishedAt)} s` : ''}`);
  }
  const log = await kubeSystem('logs', pod, '--container=browse', '--timestamps');
  t.diagnostic(`it said how it is reached at ${since(log.split(' ', 1)[0])} s`);
}

interface PodTimes {
  metadata: { creationTimestamp: string };
  status: { initContainerStatuses: ContainerTimes[]; containerStatuses: ContainerTimes[] };
}

interface ContainerTimes {
  name: string;
  state: Partial<Record<'running' | 'terminated', { startedAt: string; finishedAt?: string }>>;
}
