import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type AgeKey, ageKey } from '../support/age.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { filesBelow } from '../support/stored-backup.ts';
import { localVolume, namespaceOf, secret, secretOf } from './objects.ts';
import { CHART, createJob, install, jobEnd, type JobSeen, logOf, upgrade } from './release.ts';

/** The drill of an etcd with passwords, of backups that are encrypted, in a namespace that enforces "restricted". */

const NAMESPACE = 'upkeep';
const CRON_JOB = 'etcd-upkeep-drill';
const AUTH = { user: 'root', password: 'of-the-tests' };

let node: Node;
let etcd: Cluster;
let volume: string;
let key: AgeKey;
let other: AgeKey;

before(async () => {
  node = await startNode({ taint: false });
  etcd = await startCluster({ tls: true, host: node.address, auth: AUTH });
  await fill(etcd, { keys: 100, valueBytes: 1000, overwrites: 3 });
  key = await ageKey(node.folder, 'backup-key.txt');
  other = await ageKey(node.folder, 'other-key.txt');
  volume = await node.makeFolder('backups');
  await apply(node, namespaceOf(NAMESPACE, 'restricted'), localVolume('backups', volume));
  await apply(
    node,
    await secretOf(NAMESPACE, 'etcd-client', etcd),
    secret(NAMESPACE, 'etcd-root', { username: AUTH.user, password: AUTH.password }),
    secret(NAMESPACE, 'backup-key', { 'identity.txt': await readFile(key.file, 'utf8') }),
    secret(NAMESPACE, 'other-key', { 'identity.txt': await readFile(other.file, 'utf8') }),
  );
  await install(node, release('backup-key'));
  await createJob(node, 'run', NAMESPACE);
  const { type, pods } = await jobEnd(node, 'run', NAMESPACE);
  assert.equal(type, 'Complete', (await logOf(node, pods[0]?.name ?? '', NAMESPACE)).text);
  assert.match((await filesBelow(volume)).join(' '), /\.db\.zst\.age /);
});

after(async () => {
  await etcd[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

function release(identity: string) {
  const values = {
    clusterName: 'outside',
    suspend: true,
    etcd: { endpoints: etcd.endpoints.split(','), auth: { existingSecret: 'etcd-root' } },
    backup: {
      ageRecipients: [key.recipient],
      persistence: { storageClass: 'local', size: '1Gi' },
    },
    drill: { enabled: true, ageIdentity: { existingSecret: identity } },
  };
  return { namespace: NAMESPACE, file: join(CHART, 'presets/external.yaml'), values };
}

async function drill(name: string): Promise<JobSeen> {
  await createJob(node, name, NAMESPACE, CRON_JOB);
  return jobEnd(node, name, NAMESPACE);
}

test('with the identity and the password it comes back whole, without root', async () => {
  const { type, pods } = await drill('whole');
  const text = await node.kubectl('-n', NAMESPACE, 'logs', 'job/whole', '--all-containers');
  assert.equal(type, 'Complete', text);
  assert.equal(pods.length, 1);
  assert.match(text, /^HashKV at revision \d+ +(\d+) +\1 +same$/m);
  assert.match(text, /came back whole/);
  assert.doesNotMatch(text, new RegExp(`AGE-SECRET-KEY|${AUTH.password}`));
});

test('with another password than that of the backup: drill ends with 2 and says so, and the Job at once', async () => {
  await apply(node, secret(NAMESPACE, 'etcd-other', { username: AUTH.user, password: 'of-another-time' }));
  const { values, ...rest } = release('backup-key');
  const auth = { existingSecret: 'etcd-other' };
  await upgrade(node, { ...rest, values: { ...values, etcd: { ...values.etcd, auth } } });
  const { type, reason, pods } = await drill('password');
  assert.deepEqual({ type, reason }, { type: 'Failed', reason: 'PodFailurePolicy' });
  const { exitCode, message = '' } = pods[0]?.containers.drill ?? {};
  assert.equal(exitCode, 2, message);
  assert.match(message, /refused access/);
  assert.doesNotMatch(message, /of-another-time/);
});

test('with the identity of another key: fetch ends with 4 and says that it does not open the backup', async () => {
  await upgrade(node, release('other-key'));
  const { type, pods } = await drill('other');
  assert.equal(type, 'Failed');
  const { exitCode, message = '' } = pods[0]?.containers.fetch ?? {};
  assert.equal(exitCode, 4, message);
  assert.match(message, /the identity given does not fit: it is encrypted for others/);
});
