import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { parseManifest } from '../../src/backup/manifest.ts';
import { assertUntouched, tracesOf } from '../support/cluster-traces.ts';
import {
  assertNoSecret,
  BACKUP_ONLY,
  EAGER,
  type EtcdAndS3,
  startEtcdAndS3,
  waitFor,
} from '../support/etcd-and-s3.ts';
import type { Cluster } from '../support/etcd-cluster.ts';
import { createAuthority } from '../support/pki.ts';
import { readKeys } from '../support/read-keys.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob, startJob } from '../support/run-job.ts';
import type { S3Proxy } from '../support/s3-proxy.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { restoreBackup } from '../support/stored-backup.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const REGISTRY = '/registry/';
const MIB = 2 ** 20;

describe('a backup to S3', () => {
  let both: EtcdAndS3;
  let cluster: Cluster;
  let server: S3Server;
  let proxy: S3Proxy;
  let env: EtcdAndS3['env'];

  before(async () => {
    both = await startEtcdAndS3();
    ({ cluster, server, proxy, env } = both);
  });
  beforeEach(async () => {
    proxy.reset();
    await server.clear();
  });
  after(() => both[Symbol.asyncDispose]());

  for (const compression of ['none', 'zstd']) {
    test(`holds everything that was in etcd (${compression})`, async () => {
      const content = await readKeys(cluster, REGISTRY);
      const result = await runJob(env({ ...BACKUP_ONLY, BACKUP_COMPRESSION: compression }));
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
        const result = await runJob(env({ ...BACKUP_ONLY, CLUSTER_NAME, BACKUP_KEEP_LAST: '2' }));
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

  for (const compression of ['none', 'zstd']) {
    test(`fails when one bit reads back differently (${compression})`, async () => {
      const reason = await both.refused(
        ({ operation }) => (operation === 'GetObject' ? { kind: 'flip', at: 2_000_000 } : undefined),
        { BACKUP_COMPRESSION: compression },
      );
      assert.match(reason, /damaged where it is stored|reads back differently/);
    });
  }

  test('leaves nothing when it is ended in the middle', async () => {
    const traces = await tracesOf(cluster);
    proxy.fail(({ part }) => (part === 3 ? { kind: 'hang' } : undefined));
    await using job = await startJob(env({ ...EAGER, BACKUP_COMPRESSION: 'none' }));
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
    const secureEnv = { ...env(BACKUP_ONLY), ...secure.env(), NODE_EXTRA_CA_CERTS: authority.ca };
    assertRunEnded(await runJob(secureEnv), 0, 'nothing-needed');
  });

  /** A run whose stream is cut in the middle, so many times. */
  async function brokenOff(times: number) {
    await using etcd: TcpProxy = await startTcpProxy(cluster.member(0).clientUrl);
    etcd.throttle(20 * MIB);
    etcd.cutAfter(12 * MIB);
    const through = { ETCDCTL_ENDPOINTS: etcd.url, DISCOVER_MEMBERS: 'false' };
    await using job = await startJob(env({ ...BACKUP_ONLY, ...through, BACKUP_COMPRESSION: 'none' }));
    await job.waitForLine(({ msg }) => msg === 'backup broke off, begun once more');
    if (times > 1) etcd.cutAfter(12 * MIB);
    const result = await job.finished;
    assert.ok(proxy.requests.some(({ operation }) => operation === 'UploadPart'));
    assert.deepEqual(await server.uploads(), []);
    return result;
  }

  test('is begun once more when etcd breaks off, and nothing is left of what came before', async () => {
    const report = assertRunEnded(await brokenOff(1), 0, 'nothing-needed');
    const name = `etcd/prod/${report.backup?.name}`;
    assert.deepEqual(await server.keys(), [name, `${name}.json`]);
  });

  test('fails when etcd breaks off twice, without anything to be seen in the bucket', async () => {
    assertRunEnded(await brokenOff(2), 4, 'failed');
    assert.deepEqual(await server.keys(), []);
  });
});
