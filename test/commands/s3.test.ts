import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { assertRunEnded } from '../support/run-assertions.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { runCommand, assertCommandEnded, jsonOf, assertCommandRefused } from './run-command.ts';

let server: S3Server;
let proxy: S3Proxy;
let cluster: Cluster;

before(async () => {
  server = await startS3();
  proxy = await startS3Proxy(server.url);
  cluster = await startCluster();
  await fill(cluster, { keys: 50, valueBytes: 10_000 });
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const envFor = (prefix: string): Record<string, string> => ({
  ...server.env(proxy.url),
  BACKUP_STORE: `s3://${server.bucket}/${prefix}?forcePathStyle=true`,
});

async function backUp(prefix: string, name: string): Promise<string> {
  const env = { ...cluster.env, ...envFor(prefix), CLUSTER_NAME: name };
  const only = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };
  return assertRunEnded(await runJob({ ...env, ...only }), 0, 'nothing-needed').backup?.name ?? '';
}

test('what is in a bucket is listed, verified and fetched as from a folder', async () => {
  const name = await backUp('alone', 'prod');
  await using out = await scratchFolder('out');
  const listed = await jsonOf(['list'], envFor('alone'));
  assert.equal(listed.cluster, 'prod');
  assert.equal(listed.backups[0].name, name);
  assert.ok(listed.backups[0].rawBytes > 0);
  assert.equal((await jsonOf(['verify'], envFor('alone'))).backups[0].whole, true);
  const file = join(out.path, 'snapshot.db');
  await jsonOf(['fetch', 'latest', file], envFor('alone'));
  assert.deepEqual(await readdir(out.path), ['snapshot.db']);
});

test('several clusters in one bucket are named, and none at all is told', async () => {
  await backUp('shared', 'blue');
  await backUp('shared', 'green');
  await assertCommandRefused(
    ['list'],
    envFor('shared'),
    2,
    /2 clusters, so CLUSTER_NAME should say which: blue, green/,
  );
  assert.equal((await jsonOf(['list'], { ...envFor('shared'), CLUSTER_NAME: 'green' })).backups.length, 1);
  await assertCommandRefused(
    ['list'],
    { ...envFor('shared'), CLUSTER_NAME: 'red' },
    0,
    /no backup in .*red, but .*blue, green/,
  );
  await assertCommandRefused(['list'], envFor('nothing'), 0, /no backup of any cluster/);
});

/** The newest is behind the cut, and there is no word of how to go on. */
const cut = (text: string) =>
  text.replaceAll(/<Contents>.*<\/Contents>/gs, '').replace('<IsTruncated>false', '<IsTruncated>true');

test('what answers in the place of a bucket, or with a part of a list, shows no backups, nor none', async () => {
  await backUp('partly', 'prod');
  const env = { ...envFor('partly'), CLUSTER_NAME: 'prod' };
  const file = join(tmpdir(), 'never-written');
  const commands = [['list'], ['verify', 'latest'], ['fetch', 'latest', file], ['history']];
  proxy.fail(() => ({ kind: 'page' }));
  for (const command of commands) await assertCommandRefused(command, env, 4, /is not S3/);
  proxy.fail(({ operation }) => (operation === 'ListObjectsV2' ? { kind: 'change', body: cut } : undefined));
  for (const command of commands) await assertCommandRefused(command, env, 4, /as a whole/);
  proxy.reset();
});

test('a server that sends in chunks will do', async () => {
  proxy.fail(({ operation }) =>
    operation === 'GetObject' ? { kind: 'change', headers: { 'content-length': undefined } } : undefined,
  );
  await backUp('chunked', 'prod');
  const { backups } = await jsonOf(['verify'], envFor('chunked'));
  assert.equal(backups[0].whole, true);
  proxy.reset();
});

test('a long list costs a bounded number of requests', async () => {
  for (let number = 0; number < 600; number += 1) {
    const time = new Date(Date.UTC(2020, 0, 1 + number)).toISOString().replace(/[-:]|\.\d+/g, '');
    for (const [suffix, Body] of [
      ['', 'x'],
      ['.json', '{}'],
    ] as const) {
      const Key = `long/prod/${time}-${number}.db${suffix}`;
      await server.client.send(new PutObjectCommand({ Bucket: server.bucket, Key, Body }));
    }
  }
  proxy.reset();
  assert.equal((await jsonOf(['list'], { ...envFor('long'), CLUSTER_NAME: 'prod' })).backups.length, 600);
  const lists = proxy.requests.filter(({ operation }) => operation.startsWith('List')).length;
  assert.ok(lists <= 3, `${lists} listings`);
  assert.ok(proxy.requests.length <= lists + 50, `${proxy.requests.length} requests`);
});

test('a bucket that is not there, or refuses, ends with 4 in words', async () => {
  const env = {
    ...envFor('alone'),
    BACKUP_STORE: 's3://no-such-bucket/x?forcePathStyle=true',
    CLUSTER_NAME: 'prod',
  };
  for (const args of [['list'], ['verify'], ['fetch', 'latest', '/dev/shm/never.db']])
    await assertCommandRefused(args, env, 4, /no-such-bucket/);
  await assertCommandRefused(
    ['list'],
    { ...envFor('alone'), AWS_SECRET_ACCESS_KEY: 'wrong' },
    4,
    /etcd-upkeep: .+/,
  );
});

test('a server that hangs does not keep a command from ending', async () => {
  proxy.reset();
  proxy.fail(() => ({ kind: 'hang' }));
  await using job = await startJob({ ...envFor('alone'), CLUSTER_NAME: 'prod' }, { args: ['list'] });
  while (proxy.requests.every(({ operation }) => !operation.startsWith('List'))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  job.kill('SIGTERM');
  const { stderr } = assertCommandEnded(await job.finished, 143);
  assert.equal(stderr, 'etcd-upkeep: ended by SIGTERM\n');
  proxy.reset();
});

test('a download that breaks off in the middle leaves no file', async () => {
  await using out = await scratchFolder('out');
  proxy.reset();
  proxy.fail(({ key, operation }) =>
    operation === 'GetObject' && key.endsWith('.zst') ? { kind: 'flip', at: 2000 } : undefined,
  );
  const result = await runCommand(['fetch', 'latest', join(out.path, 'x.db')], envFor('alone'));
  assertCommandEnded(result, 4);
  assert.match(result.stderr, /the backup .* cannot be used, so nothing was written/);
  assert.deepEqual(await readdir(out.path), []);
  proxy.reset();
});
