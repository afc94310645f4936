import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { assertReport } from '../support/run-assertions.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { readKeys } from '../support/read-keys.ts';
import { filesBelow, onlyBackup, restoreBackup } from '../support/stored-backup.ts';
import { assertUnlocked } from '../support/run-lock.ts';
import { localVolume, namespaceOf, secretOf } from './objects.ts';
import { CHART, createJob, install, jobEnd, logOf } from './release.ts';

/** Three members outside of the cluster, by the values file for it, in a namespace that enforces "restricted". */

const NAMESPACE = 'upkeep';
const UID = 65_532;

let node: Node;
let etcd: Cluster;
let volume: string;

before(async () => {
  node = await startNode({ taint: false });
  etcd = await startCluster({ size: 3, tls: true, host: node.address });
  await fill(etcd, { keys: 100, valueBytes: 20_000, overwrites: 60, compressible: true });
  volume = await node.makeFolder('backups');
  await apply(node, namespaceOf(NAMESPACE, 'restricted'), localVolume('backups', volume));
  await apply(node, await secretOf(NAMESPACE, 'etcd-client', etcd));
  await install(node, {
    namespace: NAMESPACE,
    file: join(CHART, 'presets/external.yaml'),
    values: {
      clusterName: 'outside',
      suspend: true,
      compaction: { retention: 20 },
      defrag: { minDbSize: '50Mi' },
      etcd: { endpoints: etcd.endpoints.split(',') },
      backup: { persistence: { storageClass: 'local', size: '1Gi' } },
    },
  });
});

after(async () => {
  await etcd[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

test('a run of the three members, without root, on a claim', async () => {
  const objects = await readKeys(etcd, '/registry/');
  await createJob(node, 'run', NAMESPACE);
  const { type, pods } = await jobEnd(node, 'run', NAMESPACE);
  const { report, text } = await logOf(node, pods[0]?.name ?? '', NAMESPACE);
  assert.equal(type, 'Complete', text);
  assertReport(report, 0, 'ok', text);
  assert.deepEqual(
    report.members.map(({ defragmented }) => defragmented),
    [true, true, true],
    text,
  );
  assert.deepEqual(await readKeys(etcd, '/registry/'), objects);
  await assertUnlocked(etcd);
  await using restored = await restoreBackup(await onlyBackup(volume));
  assert.deepEqual(await readKeys(restored, '/registry/'), objects);
});

test('fsGroup gives the volume to the run, and the backups stay for its eyes alone, also on the next run', async () => {
  await createJob(node, 'next-run', NAMESPACE);
  const { type } = await jobEnd(node, 'next-run', NAMESPACE);
  assert.equal(type, 'Complete');
  assert.equal((await stat(volume)).gid, UID);
  const files = await filesBelow(volume);
  assert.equal(files.length, 4, files.join(', '));
  for (const file of files) {
    const { uid, gid, mode } = await stat(join(volume, file));
    assert.deepEqual({ file, uid, gid, mode: mode & 0o777 }, { file, uid: UID, gid: UID, mode: 0o600 });
  }
});
