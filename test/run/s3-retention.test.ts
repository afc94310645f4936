import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BACKUP_ONLY } from '../support/etcd-and-s3.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';

describe('a bucket that keeps its objects longer than the rules', () => {
  let cluster: Cluster;
  let server: S3Server;
  before(async () => {
    [cluster, server] = await Promise.all([startCluster(), startS3({ objectLock: true })]);
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('is no failure: the run says how many it keeps, and until when', async () => {
    const env = {
      ...cluster.env,
      ...server.env(),
      ...BACKUP_ONLY,
      CLUSTER_NAME: 'prod',
      BACKUP_KEEP_LAST: '1',
      BACKUP_STORE:
        's3://backups/etcd?forcePathStyle=true&objectLockMode=COMPLIANCE&objectLockUntil=2031-05-01T00:00:00Z',
    };
    const plain = env.BACKUP_STORE.replace(/&objectLock.*/, '');
    assertRunEnded(await runJob({ ...env, BACKUP_STORE: plain }), 0, 'nothing-needed');
    const first = assertRunEnded(await runJob(env), 0, 'nothing-needed');
    assertSteps(first, { prune: ['done', /^1 backups deleted, 1 kept$/] });
    const second = await runJob(env);
    const report = assertRunEnded(second, 0, 'nothing-needed');
    assertSteps(report, {
      prune: ['done', /^0 backups deleted, 1 kept, 1 more kept by the bucket until 2031-05-01 00:00:00$/],
    });
    const { lines } = second;
    const kept = lines.filter(({ msg }) => msg === 'old backup kept by the store');
    assert.deepEqual(
      kept.map(({ backup }) => backup),
      [first.backup?.name],
    );
    assert.equal((await server.keys()).length, 4);
  });
});
