import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { assertSteps } from '../support/run-assertions.ts';
import { type Node, startNode } from '../support/kubernetes/node.ts';
import { apply } from '../support/kubernetes/pods.ts';
import { createAuthority } from '../support/pki.ts';
import { ACCESS_KEY, BUCKET, type S3Server, SECRET_KEY, startS3 } from '../support/s3-server.ts';
import { namespaceOf, secret, secretOf } from './objects.ts';
import { CHART, createJob, install, jobEnd, type JobSeen, logOf } from './release.ts';

/** A run to a bucket, by a pod without a volume to write to, and its drill from there; the namespace is "restricted". */

const NAMESPACE = 'upkeep';
const DRILL = 'etcd-upkeep-drill';
/** The server's certificate comes from an authority of its own, as that of most servers other than AWS. */
const CA = { name: 's3-ca', mountPath: '/s3', file: 'ca.crt' };
/** What S3 takes for a part at the least, and the store for one: the backup is to go in several. */
const PART_BYTES = 5 * 2 ** 20;

let node: Node;
let etcd: Cluster;
let s3: S3Server;

before(async () => {
  node = await startNode({ taint: false });
  etcd = await startCluster({ tls: true, host: node.address });
  await fill(etcd, { keys: 200, valueBytes: 100_000, overwrites: 1 });
  const authority = await createAuthority(await node.makeFolder('s3-pki'));
  s3 = await startS3({
    host: node.address,
    tls: await authority.server({ name: 's3', hosts: [node.address] }),
  });
  await apply(node, namespaceOf(NAMESPACE, 'restricted'));
  await apply(
    node,
    await secretOf(NAMESPACE, 'etcd-client', etcd),
    secret(NAMESPACE, 's3-credentials', {
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    }),
    secret(NAMESPACE, CA.name, { [CA.file]: await readFile(authority.ca, 'utf8') }),
  );
  await install(node, {
    namespace: NAMESPACE,
    file: join(CHART, 'presets/external.yaml'),
    values: {
      clusterName: 'outside',
      suspend: true,
      etcd: { endpoints: etcd.endpoints.split(',') },
      backup: {
        store: `s3://${BUCKET}/etcd?forcePathStyle=true`,
        persistence: { enabled: false },
        s3: { existingSecret: 's3-credentials', region: 'us-east-1', endpoint: s3.url },
      },
      extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: join(CA.mountPath, CA.file) }],
      extraVolumes: [{ name: CA.name, secret: { secretName: CA.name } }],
      extraVolumeMounts: [{ name: CA.name, mountPath: CA.mountPath, readOnly: true }],
      drill: { enabled: true },
    },
  });
});

after(async () => {
  await s3[Symbol.asyncDispose]();
  await etcd[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

async function jobOf(cronJob: string, name: string): Promise<JobSeen> {
  await createJob(node, name, NAMESPACE, cronJob);
  return jobEnd(node, name, NAMESPACE);
}

function logsOf(job: string): Promise<string> {
  return node.kubectl('-n', NAMESPACE, 'logs', `job/${job}`, '--all-containers');
}

test('the run puts the backup into the bucket, and reads it back', async () => {
  const { type, pods } = await jobOf('etcd-upkeep', 'run');
  assert.equal(type, 'Complete', await logsOf('run'));
  const { report, text } = await logOf(node, pods[0]?.name ?? '', NAMESPACE);
  assertSteps(report, { backup: 'done' });
  assert.ok((report.backup?.storedBytes ?? 0) > 2 * PART_BYTES, text);
  assert.ok(!text.includes(SECRET_KEY));
});

test('the drill fetches it from there, and it comes back whole', async () => {
  const { type } = await jobOf(DRILL, 'drill');
  const text = await logsOf('drill');
  assert.equal(type, 'Complete', text);
  assert.match(text, /^HashKV at revision \d+ +(\d+) +\1 +same$/m);
  assert.match(text, /came back whole/);
});

test('while the server is down the drill ends with 4, and names it', async () => {
  await s3.kill();
  const { type, pods } = await jobOf(DRILL, 'server-down');
  assert.equal(type, 'Failed');
  const { exitCode, message = '' } = pods[0]?.containers.fetch ?? {};
  assert.equal(exitCode, 4, message);
  assert.ok(message.includes(new URL(s3.url).host), message);
});
