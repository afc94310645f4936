import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { parseManifest } from '../../src/backup/manifest.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { type JobResult, runJob, startJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { createAuthority } from '../support/pki.ts';
import { freePort } from '../support/free-port.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { readKeys } from '../support/read-keys.ts';
import { SECRET_KEY, ACCESS_KEY, awsEnv, type S3Server, startS3 } from '../support/s3-server.ts';
import { type FaultRule, type S3Proxy, startS3Proxy } from '../support/s3-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { restoreBackup } from '../support/stored-backup.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';

const REGISTRY = '/registry/';
/** A run that went on in spite of its store would compact and defragment. */
const EAGER = {
  COMPACTION_RETENTION: '1',
  DEFRAG_WAIT: '0s',
  DEFRAG_MIN_DB_SIZE: '1Mi',
  DEFRAG_MIN_FRAGMENTATION: '0.05',
};
const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };
/** Random values: with zstd there are still several parts. */
const FILL = { keys: 700, valueBytes: 32_768 };

describe('a backup to S3', () => {
  let cluster: Cluster;
  let server: S3Server;
  let proxy: S3Proxy;

  before(async () => {
    [cluster, server] = await Promise.all([startCluster(), startS3()]);
    proxy = await startS3Proxy(server.url);
    await fill(cluster, FILL);
  });
  beforeEach(async () => {
    proxy.reset();
    await server.clear();
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await Promise.all([cluster, server].map((started) => started[Symbol.asyncDispose]()));
  });

  const envOf = (extra: Record<string, string> = {}): Record<string, string> => ({
    ...cluster.env,
    ...server.env(proxy.url),
    CLUSTER_NAME: 'prod',
    BACKUP_STORE: `s3://${server.bucket}/etcd?forcePathStyle=true`,
    ...extra,
  });

  for (const compression of ['none', 'zstd']) {
    test(`holds everything that was in etcd (${compression})`, async () => {
      const content = await readKeys(cluster, REGISTRY);
      const result = await runJob(envOf({ ...BACKUP_ONLY, BACKUP_COMPRESSION: compression }));
      const report = assertRunEnded(result, 0, 'nothing-needed');
      assertSteps(report, { backup: 'done', prune: 'skipped' });
      assertNoSecret(result);
      assert.equal(report.backup?.store, 's3://backups/etcd/prod');
      const [data = '', manifestKey = '', ...others] = await server.keys();
      assert.deepEqual(others, []);
      assert.equal(data, `etcd/prod/${report.backup?.name}`);
      assert.equal(manifestKey, `${data}.json`);
      assert.deepEqual(await server.uploads(), []);
      const manifest = parseManifest((await bytesOf(manifestKey)).toString());
      assert.ok(manifest.ok && manifest.value.cluster.name === 'prod');
      await using folder = await scratchFolder('fetched');
      const file = join(folder.path, report.backup?.name ?? '');
      await writeFile(file, await bytesOf(data));
      await using restored = await restoreBackup({ file });
      assert.deepEqual(await readKeys(restored, REGISTRY), content);
    });
  }

  async function bytesOf(Key: string): Promise<Buffer> {
    const { Body } = await server.client.send(new GetObjectCommand({ Bucket: server.bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  test('is kept as long as the policy says, one cluster blind to the other', async () => {
    const names: Record<string, string[]> = { a: [], ab: [] };
    for (let run = 1; run <= 3; run += 1) {
      for (const CLUSTER_NAME of ['a', 'ab']) {
        const result = await runJob(envOf({ ...BACKUP_ONLY, CLUSTER_NAME, BACKUP_KEEP_LAST: '2' }));
        const report = assertRunEnded(result, 0, 'nothing-needed');
        assertSteps(report, { prune: run > 2 ? 'done' : 'skipped' });
        names[CLUSTER_NAME]?.push(`etcd/${CLUSTER_NAME}/${report.backup?.name}`);
      }
    }
    const expected = Object.values(names).flatMap((all) =>
      all.slice(-2).flatMap((key) => [key, `${key}.json`]),
    );
    assert.deepEqual(await server.keys(), expected.toSorted());
  });

  test('stays when the server says nothing more while old ones are deleted: at a signal, or in time', async () => {
    const env = envOf({ ...BACKUP_ONLY, BACKUP_KEEP_LAST: '1' });
    assertRunEnded(await runJob(env), 0, 'nothing-needed');
    for (const hanging of ['ListObjectsV2', 'DeleteObject']) {
      proxy.reset();
      proxy.fail(({ operation }) => {
        const written = proxy.requests.some(({ key }) => key.endsWith('.json'));
        return operation === hanging && written ? { kind: 'hang' } : undefined;
      });
      const report = assertRunEnded(await runJob({ ...env, BACKUP_TIMEOUT: '4s' }), 5, 'partial');
      assertSteps(report, { backup: 'done', prune: 'failed' });
      assert.match(
        report.steps.prune.reason,
        /not all deleted within the \d s that were left of BACKUP_TIMEOUT.*s3:\/\/backups/,
      );
    }
    const hung = proxy.requests.length;
    await using job = await startJob(env);
    await waitFor(() => proxy.requests.slice(hung).some(({ operation }) => operation === 'DeleteObject'));
    const asked = Date.now();
    job.kill('SIGTERM');
    assertRunEnded(await job.finished, 143, 'aborted');
    assert.ok(Date.now() - asked < 10_000);
    assert.equal((await server.keys()).length, 8);
  });

  test('ends the uploads of dead runs', async () => {
    proxy.fail(({ part }) => (part === 3 ? { kind: 'hang' } : undefined));
    await using job = await startJob(envOf({ ...BACKUP_ONLY, BACKUP_COMPRESSION: 'none', LOCK_TTL: '2s' }));
    await waitFor(() => proxy.requests.some(({ part }) => part === 3));
    job.kill('SIGKILL');
    await job.finished;
    assert.equal((await server.uploads()).length, 1);
    proxy.reset();
    await sleep(6_000); // no run of today's limit could still be writing it
    const result = await runJob(envOf({ ...BACKUP_ONLY, BACKUP_TIMEOUT: '6s' }));
    assertRunEnded(result, 0, 'nothing-needed');
    assert.deepEqual(await server.uploads(), []);
    assert.ok(result.lines.some(({ msg }) => msg === 'temporary file of a dead run deleted'));
  });

  /** Runs the job on a store that fails: exit 4, nothing in the bucket, and the cluster as it was. */
  async function refused(rule: FaultRule | undefined, extra: Record<string, string> = {}): Promise<string> {
    const traces = await tracesOf(cluster);
    if (rule) proxy.fail(rule);
    const result = await runJob(envOf({ ...EAGER, BACKUP_COMPRESSION: 'none', ...extra }));
    const report = assertRunEnded(result, 4, 'failed');
    assertSteps(report, {
      backup: ['failed', /Nothing was changed in the cluster$/],
      prune: 'skipped',
      compact: 'skipped',
      defragment: 'skipped',
      disarm: 'skipped',
    });
    assertNoSecret(result);
    await assertUntouched(cluster, traces, { locked: true });
    if (server.pid !== undefined) {
      assert.deepEqual(await server.keys(), []);
      assert.deepEqual(await server.uploads(), []);
    }
    return report.steps.backup.reason;
  }

  /** Runs the job on a store that recovers. */
  async function done(rule: FaultRule): Promise<void> {
    proxy.fail(rule);
    const result = await runJob(envOf({ ...BACKUP_ONLY, BACKUP_COMPRESSION: 'none' }));
    assertRunEnded(result, 0, 'nothing-needed');
    assert.equal((await server.keys()).length, 2);
    assert.deepEqual(await server.uploads(), []);
  }

  test('fails when the server is down from the start', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const reason = await refused(undefined, awsEnv(url));
    assert.match(reason, /could not list s3:\/\/backups\/etcd\/prod\/.*ECONNREFUSED.*AWS_ENDPOINT_URL_S3/);
  });

  test('fails when the server dies in the middle, and what is left of it goes with the next run', async () => {
    const timeoutMs = 10_000;
    let old = 0;
    const reason = await refused(async ({ part }) => {
      if (part !== 3) return undefined;
      old ||= Date.now() + timeoutMs;
      await server.kill();
      return { kind: 'reset' };
    });
    assert.match(reason, /could not write s3:.*(could not be reached|connection broke)/);
    await server.start();
    assert.deepEqual(await server.keys(), []);
    assert.equal((await server.uploads()).length, 1);
    proxy.reset();
    await sleep(old - Date.now()); // no run of that limit could still be writing it
    const next = await runJob(envOf({ ...BACKUP_ONLY, BACKUP_TIMEOUT: `${timeoutMs}ms` }));
    assertRunEnded(next, 0, 'nothing-needed');
    assert.equal((await server.keys()).length, 2);
    assert.deepEqual(await server.uploads(), []);
  });

  test('fails within BACKUP_TIMEOUT when the server is slow', async () => {
    const began = Date.now();
    const reason = await refused(({ part }) => (part ? { kind: 'delay', ms: 3_000 } : undefined), {
      BACKUP_TIMEOUT: '5s',
    });
    assert.match(reason, /longer than BACKUP_TIMEOUT \(5 s\)/);
    assert.ok(Date.now() - began < 12_000);
  });

  test('fails within BACKUP_TIMEOUT when the server says nothing more, at whatever request', async () => {
    for (const hanging of [
      'ListMultipartUploads',
      'ListObjectsV2',
      'UploadPart',
      'CompleteMultipartUpload',
      'PutObject',
      'GetObject',
    ]) {
      const reason = await refused(
        ({ operation }) => (operation === hanging ? { kind: 'hang' } : undefined),
        {
          BACKUP_TIMEOUT: '4s',
        },
      );
      assert.match(reason, /longer than BACKUP_TIMEOUT \(4 s\)/, hanging);
    }
  });

  test('succeeds when the server answers 500 for a while', async () => {
    await done(({ count, operation }) =>
      count < 3 && operation !== 'ListMultipartUploads'
        ? { kind: 'answer', status: 500, code: 'InternalError' }
        : undefined,
    );
  });

  test('fails when it goes on answering 500', async () => {
    const reason = await refused(({ operation }) =>
      operation === 'UploadPart' ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined,
    );
    assert.match(reason, /the server is in trouble \(InternalError, .*tried 9 times\)/);
  });

  test('fails when only the manifest is refused, and takes the data away', async () => {
    const reason = await refused(({ operation, key }) =>
      operation === 'PutObject' && key.endsWith('.json')
        ? { kind: 'answer', status: 403, code: 'AccessDenied' }
        : undefined,
    );
    assert.match(
      reason,
      /could not write s3:.*\.json: access denied.*s3:PutObject on arn:aws:s3:::backups\/etcd/,
    );
  });

  test('succeeds when the connection is reset at the last part, or at the end', async () => {
    for (const operation of ['UploadPart', 'CompleteMultipartUpload'] as const) {
      proxy.reset();
      await server.clear();
      let faults = 0;
      await done((request) => {
        if (request.operation !== operation || (request.part !== undefined && request.part < 5))
          return undefined;
        return faults++ < 2 ? { kind: 'reset' } : undefined;
      });
      assert.ok(faults >= 2);
    }
  });

  test('fails when the connection is reset at the last part each time', async () => {
    const reason = await refused(({ part }) => (part === 5 ? { kind: 'reset' } : undefined));
    assert.match(reason, /connection broke/);
  });

  test('succeeds when an answer is cut while it is read back, fails when it always is', async () => {
    await done(({ operation, count }) =>
      operation === 'GetObject' && count < 2 ? { kind: 'cut', at: 3_000_000 } : undefined,
    );
    proxy.reset();
    await server.clear();
    const reason = await refused(({ operation }) =>
      operation === 'GetObject' ? { kind: 'cut', at: 1000 } : undefined,
    );
    assert.match(reason, /could not read s3:.*connection broke/);
  });

  for (const compression of ['none', 'zstd']) {
    test(`fails when one bit reads back differently (${compression})`, async () => {
      const reason = await refused(
        ({ operation }) => (operation === 'GetObject' ? { kind: 'flip', at: 2_000_000 } : undefined),
        { BACKUP_COMPRESSION: compression },
      );
      assert.match(reason, /damaged where it is stored|reads back differently/);
    });
  }

  test('leaves nothing when it is ended in the middle', async () => {
    const traces = await tracesOf(cluster);
    proxy.fail(({ part }) => (part === 3 ? { kind: 'hang' } : undefined));
    await using job = await startJob(envOf({ ...EAGER, BACKUP_COMPRESSION: 'none' }));
    await waitFor(() => proxy.requests.some(({ part }) => part === 3));
    job.kill('SIGTERM');
    assertRunEnded(await job.finished, 143, 'aborted');
    assert.deepEqual(await server.keys(), []);
    assert.deepEqual(await server.uploads(), []);
    await assertUntouched(cluster, traces, { locked: true });
  });

  test('goes over TLS to a server whose CA is named', async () => {
    await using folder = await scratchFolder('pki');
    const authority = await createAuthority(folder.path);
    await using secure = await startS3({ tls: await authority.server({ name: 's3' }) });
    const env = { ...envOf(BACKUP_ONLY), ...secure.env(), NODE_EXTRA_CA_CERTS: authority.ca };
    assertRunEnded(await runJob(env), 0, 'nothing-needed');
  });

  test('fails when etcd breaks off, without anything to be seen in the bucket', async () => {
    await using etcd: TcpProxy = await startTcpProxy(cluster.member(0).clientUrl);
    etcd.cutAfter(12 * 2 ** 20);
    const env = { ETCDCTL_ENDPOINTS: etcd.url, DISCOVER_MEMBERS: 'false' };
    const result = await runJob(envOf({ ...BACKUP_ONLY, ...env, BACKUP_COMPRESSION: 'none' }));
    assertRunEnded(result, 4, 'failed');
    assert.ok(proxy.requests.some(({ operation }) => operation === 'UploadPart'));
    assert.deepEqual(await server.keys(), []);
    assert.deepEqual(await server.uploads(), []);
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'it did not come to that');
    await sleep(10);
  }
}

function assertNoSecret({ stdout, stderr, terminationMessage = '' }: JobResult): void {
  for (const secret of [SECRET_KEY, ACCESS_KEY]) {
    assert.ok(!`${stdout}${stderr}${terminationMessage}`.includes(secret), stdout);
  }
}
