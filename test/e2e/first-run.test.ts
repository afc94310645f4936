import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startApiServer } from '../support/kubernetes/apiserver.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { fill, fillRevisions } from '../support/fill.ts';
import { onlyBackup, restoreBackup } from '../support/stored-backup.ts';
import { hasHistoryAt } from '../support/read-keys.ts';
import { memberOf } from '../support/run-report.ts';
import { MIB } from '../support/units.ts';
import { assertReport, assertSteps } from '../support/run-assertions.ts';
import { type Availability, watchApi } from './availability.ts';
import {
  install,
  jobEnd,
  type JobSeen,
  type JobLog,
  logOf,
  NAMESPACE,
  scheduledJob,
  suspend,
} from './release.ts';

/** The first run of a kubeadm cluster, from `helm install` with default values to the restored backup. */

const OBJECTS = 300;
/** Beside /registry/, where kube-apiserver would stumble over what it did not write. */
const HISTORY = { prefix: '/history/', keys: 60, valueBytes: 100_000, overwrites: 40 };
const REVISIONS = 12_000;
/** What a busy machine of two cores adds by itself. */
const SLACK_SECONDS = 5;

let node: Node;
let earlier: Awaited<ReturnType<typeof look>>;
let job: JobSeen;
let log: JobLog;
let availability: Availability;

before(async () => {
  node = await startNode();
  await writeConfigMaps(node);
  await fill(node.etcd, HISTORY);
  await fillRevisions(node.etcd, REVISIONS, { prefix: '/history/' });
  earlier = await look(node);

  const watched = await watchApi(node);
  await install(node, { values: { schedule: '* * * * *' } });
  const name = await scheduledJob(node);
  await suspend(node);
  job = await jobEnd(node, name);
  availability = await watched.stop();
  assert.ok(job.pods[0]);
  log = await logOf(node, job.pods[0].name);
});

after(() => node[Symbol.asyncDispose]());

test('the schedule makes a Job whose one pod ends Completed', () => {
  assert.equal(job.type, 'Complete');
  assert.deepEqual(
    job.pods.map(({ phase, exitCode }) => ({ phase, exitCode })),
    [{ phase: 'Succeeded', exitCode: 0 }],
  );
});

test("the cluster's own etcd was backed up, compacted and defragmented", async () => {
  const { report } = log;
  assertReport(report, 0, 'ok', log.text);
  assertSteps(report, { backup: 'done', compact: 'done', defragment: 'done' });
  assert.ok((report.compaction?.to ?? 0) >= earlier.revision - 11_000, JSON.stringify(report.compaction));
  assert.ok(await hasHistoryAt(node.etcd, earlier.revision));
  assert.ok(!(await hasHistoryAt(node.etcd, earlier.revision - 11_000)));
  const member = memberOf(report, node.etcd.member(0).name);
  assert.ok(member.defragmented, member.reason);
  const { dbSize } = await node.etcd.member(0).status();
  assert.ok(earlier.dbSize > 200 * MIB && dbSize < earlier.dbSize / 4, `${earlier.dbSize} -> ${dbSize}`);
});

test('the API server answered all along, but for the seconds that the report names', (t) => {
  const [member] = log.report.members;
  const unavailable = member?.unavailableSeconds ?? 0;
  const { answered, longestGapSeconds, failedAtEnds } = availability;
  t.diagnostic(
    `${answered} writes, the longest gap ${longestGapSeconds} s; the report says ${unavailable} s`,
  );
  assert.ok(answered > 50);
  assert.equal(failedAtEnds, false, 'it answered before and after');
  assert.ok(
    longestGapSeconds <= unavailable + SLACK_SECONDS,
    `${longestGapSeconds} s, reported ${unavailable} s`,
  );
});

test('every object is still there', async () => {
  assert.deepEqual((await look(node)).objects, earlier.objects);
});

test('the termination message is in the pod for kubectl to show', async () => {
  const [pod] = job.pods;
  const path = '{.status.containerStatuses[0].state.terminated.message}';
  const shown = await node.kubectl('-n', NAMESPACE, 'get', 'pod', pod?.name ?? '', '-o', `jsonpath=${path}`);
  const { outcome, exitCode, backup } = JSON.parse(shown);
  assert.deepEqual({ outcome, exitCode }, { outcome: 'ok', exitCode: 0 });
  assert.equal(backup.name ?? backup, log.report.backup?.name);
});

test('the backup names its node, and a kube-apiserver on what is restored from it serves every object', async () => {
  const backup = await onlyBackup(join(node.backups, 'etcd-upkeep'));
  assert.equal(backup.manifest.node, node.name);
  assert.ok(backup.manifest.revision >= earlier.revision);
  await using restored = await restoreBackup(backup);
  await using api = await startApiServer({ etcd: restored });
  assert.deepEqual(
    (await look({ kubectl: (...args) => api.kubectl(...args), etcd: restored })).objects,
    earlier.objects,
  );
});

async function writeConfigMaps({ kubectlWithInput }: Node): Promise<void> {
  const items = Array.from({ length: OBJECTS }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `object-${index}`, namespace: 'default' },
    data: { text: `${index} `.repeat(500) },
  }));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectlWithInput(list, 'create', '--filename=-');
}

/** What Kubernetes and etcd say there is. */
async function look({ kubectl, etcd }: Pick<Node, 'kubectl' | 'etcd'>) {
  const columns = 'custom-columns=NAME:.metadata.name,UID:.metadata.uid,TEXT:.data.text';
  const objects = await kubectl('-n', 'default', 'get', 'configmaps', '--output', columns);
  const { dbSize, revision } = await etcd.member(0).status();
  return { objects, dbSize, revision };
}
