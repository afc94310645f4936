import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertUntouched, tracesOf } from './cluster-traces.ts';
import { type Cluster, startCluster } from './etcd-cluster.ts';
import { fill } from './fill.ts';
import { assertRunEnded, assertSteps } from './run-assertions.ts';
import { type JobResult, runJob } from './run-job.ts';
import { type FaultRule, type S3Proxy, startS3Proxy } from './s3-proxy.ts';
import { ACCESS_KEY, type S3Server, SECRET_KEY, startS3 } from './s3-server.ts';

/** A run that went on in spite of its store would compact and defragment. */
export const EAGER = {
  COMPACTION_RETENTION: '1',
  DEFRAG_WAIT: '0s',
  DEFRAG_MIN_DB_SIZE: '1Mi',
  DEFRAG_MIN_FRAGMENTATION: '0.05',
};
export const BACKUP_ONLY = { COMPACTION_ENABLED: 'false', DEFRAG_ENABLED: 'false' };
/** Random values: with zstd there are still several parts. */
const FILL = { keys: 700, valueBytes: 32_768 };

/** A cluster with data in it, and an S3 server behind a proxy that can fail. */
export interface EtcdAndS3 extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly server: S3Server;
  readonly proxy: S3Proxy;
  /** The job's environment. */
  readonly env: (extra?: Record<string, string>) => Record<string, string>;
  /** Runs the job on a store that fails: exit 4, nothing in the bucket, and the cluster as it was. Returns the reason. */
  refused(rule: FaultRule | undefined, extra?: Record<string, string>): Promise<string>;
  /** Runs the job on a store that recovers. */
  done(rule: FaultRule): Promise<void>;
}

export async function startEtcdAndS3(): Promise<EtcdAndS3> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster());
  const server = stack.use(await startS3());
  const proxy = stack.use(await startS3Proxy(server.url));
  await fill(cluster, FILL);
  const env = (extra: Record<string, string> = {}): Record<string, string> => ({
    ...cluster.env,
    ...server.env(proxy.url),
    CLUSTER_NAME: 'prod',
    BACKUP_STORE: `s3://${server.bucket}/etcd?forcePathStyle=true`,
    ...extra,
  });

  async function refused(rule: FaultRule | undefined, extra: Record<string, string> = {}): Promise<string> {
    const traces = await tracesOf(cluster);
    if (rule) proxy.fail(rule);
    const result = await runJob(env({ ...EAGER, BACKUP_COMPRESSION: 'none', ...extra }));
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

  async function done(rule: FaultRule): Promise<void> {
    proxy.fail(rule);
    const result = await runJob(env({ ...BACKUP_ONLY, BACKUP_COMPRESSION: 'none' }));
    assertRunEnded(result, 0, 'nothing-needed');
    assert.equal((await server.keys()).length, 2);
    assert.deepEqual(await server.uploads(), []);
  }

  const started = stack.move();
  return { cluster, server, proxy, env, refused, done, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

export async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'it did not come to that');
    await sleep(10);
  }
}

export function assertNoSecret({ stdout, stderr, terminationMessage = '' }: JobResult): void {
  for (const secret of [SECRET_KEY, ACCESS_KEY]) {
    assert.ok(!`${stdout}${stderr}${terminationMessage}`.includes(secret), stdout);
  }
}
