import assert from 'node:assert/strict';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fill } from '../support/fill.ts';
import { assertReport } from '../support/run-assertions.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { LOCK_KEY } from '../support/run-lock.ts';
import { createJob, install, jobEnd, type JobLog, NAMESPACE, podsOf, readLog } from './release.ts';

/** The pod is taken away in the middle of its backup: nothing half-made stays, and the Job starts over. */

let node: Node;

before(async () => {
  node = await startNode();
  // Some seconds' worth: what cannot be compressed takes longest.
  await fill(node.etcd, { prefix: '/bulk/', keys: 800, valueBytes: 1_000_000 });
  await install(node, { values: { suspend: true } });
});

after(() => node[Symbol.asyncDispose]());

afterEach(async () => {
  await node.kubectl('-n', NAMESPACE, 'delete', 'jobs', '--all', '--wait');
});

test('deleted: the run ends with 143 and leaves nothing, the next pod does the whole run', async () => {
  const { log, found } = await disturbed('deleted', (pod) =>
    node.kubectl('-n', NAMESPACE, 'delete', 'pod', pod, '--wait=false'),
  );
  assertReport(log.report, 143, 'aborted', log.text);
  assert.deepEqual(found, { files: [], lock: '' });
  const { type, pods } = await jobEnd(node, 'deleted');
  assert.equal(type, 'Complete');
  assert.equal(pods.at(-1)?.exitCode, 0);
  assert.equal((await filesBelow(node.backups)).length, 2);
});

test('evicted: the same, and the disruption is not counted as a failure', async () => {
  const known = await filesBelow(node.backups);
  const { log, found } = await disturbed('evicted', (pod) => {
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod, namespace: NAMESPACE },
    };
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/eviction`;
    return node.kubectlWithInput(JSON.stringify(eviction), 'create', `--raw=${path}`, '--filename=-');
  });
  assertReport(log.report, 143, 'aborted', log.text);
  assert.deepEqual(found, { files: known, lock: '' });
  const { type } = await jobEnd(node, 'evicted');
  assert.equal(type, 'Complete');
  const failed = '{.status.failed}';
  const counted = await node.kubectl('-n', NAMESPACE, 'get', 'job/evicted', '-o', `jsonpath=${failed}`);
  assert.match(counted, /^0?$/);
});

/** Starts the job, waits until its backup is being written, disturbs it, and tells what was left when it had ended. */
async function disturbed(
  job: string,
  disturb: (pod: string) => Promise<unknown>,
): Promise<{ log: JobLog; found: { files: string[]; lock: string } }> {
  const known = new Set(await filesBelow(node.backups));
  await createJob(node, job);
  const pod = await runningPod(job);
  await using logFile = await openLog(pod);
  await until('the backup is being written', async () =>
    (await filesBelow(node.backups)).some((file) => !known.has(file)),
  );
  await disturb(pod);
  await until('the run reports', async () => (await linesOf(logFile)).includes('"msg":"report"'));
  const log = readLog(await linesOf(logFile));
  const lock = await node.etcd.etcdctl('get', LOCK_KEY);
  return { log, found: { files: await filesBelow(node.backups), lock } };
}

/**
 * The pod's log as it lies on the node, which is still there for whoever has it open when the pod is gone. What `kubectl
 * logs --follow` gives of a pod that is deleted may end with an error of kubelet's, which finds no container any more.
 */
async function openLog(pod: string): Promise<FileHandle> {
  const logs = join(node.folder, 'kubelet', 'logs');
  const folder = (await readdir(logs)).find((name) => name.startsWith(`${NAMESPACE}_${pod}_`));
  return open(join(logs, folder ?? pod, 'etcd-upkeep', '0.log'));
}

/** What the container wrote, of lines such as `2026-11-22T02:17:00.1Z stdout F {...}`; a long one comes in pieces (P). */
async function linesOf(logFile: FileHandle): Promise<string> {
  const { size } = await logFile.stat();
  const { buffer, bytesRead } = await logFile.read(Buffer.alloc(size), 0, size, 0);
  const pieces = buffer.toString('utf8', 0, bytesRead).matchAll(/^\S+ std(?:out|err) ([FP]) (.*\n)/gm);
  return Array.from(pieces, ([, kind, piece = '']) => (kind === 'P' ? piece.slice(0, -1) : piece)).join('');
}

async function runningPod(job: string): Promise<string> {
  let name = '';
  await until('the pod runs', async () => {
    const [pod] = await podsOf(node, job);
    name = pod?.name ?? '';
    return pod?.phase === 'Running';
  });
  return name;
}

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(50);
  }
}
