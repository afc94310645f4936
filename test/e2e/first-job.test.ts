import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { assertReport } from '../support/run-assertions.ts';
import { onlyBackup } from '../support/stored-backup.ts';
import { localVolume, namespaceOf, secretOf } from './objects.ts';
import { CHART, install, jobEnd, logOf } from './release.ts';

/** An installer that waits, and a claim that is bound when a pod needs it. */

const NAMESPACE = 'upkeep';
const LATE = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local' },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
};

let node: Node;
let etcd: Cluster;
let volume: string;

before(async () => {
  node = await startNode({ taint: false });
  etcd = await startCluster({ tls: true, host: node.address });
  volume = await node.makeFolder('backups');
  await apply(node, LATE, namespaceOf(NAMESPACE, 'restricted'), localVolume('backups', volume));
  await apply(node, await secretOf(NAMESPACE, 'etcd-client', etcd));
});

after(async () => {
  await etcd[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

test('helm waits for the first Job, which binds the claim and leaves a backup on it', async () => {
  await install(node, {
    namespace: NAMESPACE,
    file: join(CHART, 'presets/external.yaml'),
    values: {
      runOnInstall: true,
      clusterName: 'outside',
      etcd: { endpoints: etcd.endpoints.split(',') },
      backup: { persistence: { storageClass: 'local', size: '1Gi' } },
    },
    args: ['--wait', '--wait-for-jobs', '--timeout=170s'],
  });
  const get = (what: string, path: string) =>
    node.kubectl('--namespace', NAMESPACE, 'get', what, `--output=jsonpath=${path}`);
  assert.equal(await get('pvc/etcd-upkeep-backups', '{.status.phase}'), 'Bound');
  const job = await get('jobs', '{.items[*].metadata.name}');
  assert.match(job, /^etcd-upkeep-first-[0-9a-f]{8}$/);
  const { type, pods } = await jobEnd(node, job, NAMESPACE);
  assert.equal(type, 'Complete');
  const { report, text } = await logOf(node, pods[0]?.name ?? '', NAMESPACE);
  assertReport(report, 0, 'nothing-needed', text);
  const { manifest } = await onlyBackup(volume);
  assert.equal(manifest.cluster.name, 'outside');
});
