import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fill } from '../support/fill.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { runProgram } from '../support/run-program.ts';
import { filesBelow, onlyBackup, type StoredBackup } from '../support/stored-backup.ts';
import { kubernetes } from '../support/tools.ts';
import { ETCD } from './images.ts';
import {
  createJob,
  describedAs,
  install,
  jobEnd,
  logOf,
  NAMESPACE,
  scheduledJob,
  upgrade,
} from './release.ts';

/** The drill of a kubeadm cluster: what it says of a backup that is whole, and of backups that are not. */

const CRON_JOB = 'etcd-upkeep-drill';
const NEVER = '0 0 31 2 *';
const ENABLED = { suspend: true, drill: { enabled: true } };

let node: Node;
let notes: string;
let backup: StoredBackup;

before(async () => {
  node = await startNode();
  await fill(node.etcd, { prefix: '/history/', keys: 50, valueBytes: 20_000, overwrites: 5 });
  notes = await install(node, { values: ENABLED });
  await createJob(node, 'run');
  const { type, pods } = await jobEnd(node, 'run');
  assert.equal(type, 'Complete', (await logOf(node, pods[0]?.name ?? '')).text);
  backup = await onlyBackup(join(node.backups, 'etcd-upkeep'));
});

after(() => node[Symbol.asyncDispose]());

const drill = async (name: string) => {
  await createJob(node, name, NAMESPACE, CRON_JOB);
  return jobEnd(node, name);
};

test('by hand: the table in its log says what came back, and nothing of it stays on the node', async () => {
  const { type, pods } = await drill('by-hand');
  const text = await node.kubectl('-n', NAMESPACE, 'logs', 'job/by-hand', '--all-containers');
  assert.equal(type, 'Complete', text);
  const { revision, keys, hashKV } = backup.manifest;
  assert.match(text, new RegExp(`^keys at revision ${revision} +${keys} +${keys} +same$`, 'm'));
  assert.match(
    text,
    new RegExp(`^HashKV at revision ${hashKV?.revision} +${hashKV?.hash} +${hashKV?.hash} +same$`, 'm'),
  );
  assert.match(text, /came back whole, \d+\.\d s after its fetch began/);
  assert.equal(pods.length, 1);
  await noSnapshotLeft();
});

test("the scratch etcd is etcd's own image on the pod's own network", async () => {
  const { spec, status } = JSON.parse(
    await node.kubectl(
      '-n',
      NAMESPACE,
      'get',
      'pod',
      '--selector=job-name=by-hand',
      '-o=jsonpath={.items[0]}',
    ),
  );
  assert.equal(spec.initContainers[2].image, ETCD);
  assert.notEqual(spec.hostNetwork, true);
  assert.notEqual(status.podIP, status.hostIP);
});

test('by its own schedule', async () => {
  await upgrade(node, { values: { schedule: NEVER, drill: { enabled: true, schedule: '* * * * *' } } });
  const name = await scheduledJob(node);
  await upgrade(node, { values: ENABLED });
  assert.match(name, /^etcd-upkeep-drill-\d+$/);
  assert.equal((await jobEnd(node, name)).type, 'Complete');
});

test('one byte of the backup was turned over: fetch ends with 4 and says so, twice', async () => {
  const whole = await readFile(backup.file);
  const broken = Buffer.from(whole);
  const middle = Math.floor(broken.length / 2);
  broken.writeUInt8(broken.readUInt8(middle) ^ 1, middle);
  await writeFile(backup.file, broken);
  const { type, reason, pods } = await drill('broken');
  await writeFile(backup.file, whole);
  assert.deepEqual({ type, reason }, { type: 'Failed', reason: 'BackoffLimitExceeded' });
  assert.deepEqual(
    pods.map(({ containers }) => containers.fetch?.exitCode),
    [4, 4],
  );
  const said = new RegExp(`the backup ${backup.manifest.name} cannot be used, so nothing was written: `);
  for (const { containers } of pods) assert.match(containers.fetch?.message ?? '', said);
  await describedAs(node, 'broken', said);
});

test('the command in the notes of the chart shows which container said what', async () => {
  const [command] = /^ {2}kubectl \S+ \S+ get pods -l \S+component=drill .*\n.*$/m.exec(notes) ?? [];
  assert.ok(command, notes);
  const shell = `kubectl() { ${await kubernetes('kubectl')} "$@"; }\n${command}`;
  const shown = await runProgram('sh', ['-c', shell], { env: node.env });
  assert.match(shown, /^by-hand-\w+\tSucceeded\t\n  fetch\t0\t\n  restore\t0\t\n  etcd\t0\t\n  drill\t0\t$/m);
  assert.match(shown, /^broken-\w+\tFailed\t\n  fetch\t4\tetcd-upkeep: the backup .* cannot be used/m);
});

test('the backup is not what its manifest says: drill ends with 4, the Job at once, and its condition names both', async () => {
  const manifest = `${backup.file}.json`;
  const text = await readFile(manifest, 'utf8');
  const wrong = { ...backup.manifest, keys: backup.manifest.keys + 1 };
  await writeFile(manifest, JSON.stringify(wrong));
  const { type, reason, message, pods } = await drill('changed');
  await writeFile(manifest, text);
  assert.deepEqual({ type, reason }, { type: 'Failed', reason: 'PodFailurePolicy' });
  assert.match(message, /Container drill for pod \S+ failed with exit code 4/);
  assert.equal(pods.length, 1);
  const said = pods[0]?.containers.drill?.message ?? '';
  assert.match(said, new RegExp(`^keys at revision \\d+ +${wrong.keys} +${wrong.keys - 1} +differs$`, 'm'));
  assert.match(said, /is not what its manifest says: do not rely on this backup/);
  await describedAs(node, 'changed', /DID NOT COME BACK WHOLE/);
});

/** kubelet takes away the volumes of a pod that has ended. */
async function noSnapshotLeft(): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const files = await filesBelow(join(node.folder, 'kubelet', 'root', 'pods'));
    const left = files.filter((file) => file.endsWith('snapshot.db'));
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still on the disk: ${left.join(', ')}`);
    await sleep(250);
  }
}
