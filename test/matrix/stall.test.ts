import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProxiedCluster } from '../support/proxied-cluster.ts';
import { frames } from '../support/snapshot-frames.ts';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob, startJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settledSize } from '../support/settled-size.ts';
import { filesBelow } from '../support/stored-backup.ts';

const MIB = 2 ** 20;

// Minutes of waiting: too slow for `npm test`, where BACKUP_TIMEOUT ends such a run.
test('a snapshot of which nothing comes for a minute is given up long before BACKUP_TIMEOUT', async () => {
  const proxies: TcpProxy[] = [];
  await using cluster = await startCluster({
    advertise: async ({ clientUrl }) => {
      const proxy = await startTcpProxy(clientUrl);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  await using proxy = proxies[0];
  assert.ok(proxy);
  await using store = await scratchFolder('store');
  await fill(cluster, { keys: 100, valueBytes: 16_384, overwrites: 4 });
  await settledSize(cluster);
  proxy.throttle(3 * MIB);
  await using job = await startJob({
    ...cluster.env,
    ETCDCTL_COMMAND_TIMEOUT: '2s',
    BACKUP_STORE: `file://${store.path}`,
  });
  await waitForTemporaryFile(store.path, MIB);
  proxy.hang();
  const report = assertRunEnded(await job.finished, 4, 'failed');
  assertSteps(report, { backup: 'failed', compact: 'skipped', defragment: 'skipped' });
  assert.match(report.steps.backup.reason, /no byte of the snapshot came for 60 s\b.*\. Nothing was changed/);
  assert.ok(report.steps.backup.durationMs < 70_000);
  assert.deepEqual(await filesBelow(store.path), []);
});

test('and so is one of which nothing but empty messages comes: a member that cannot read its file sends them', async () => {
  await using place = await startProxiedCluster();
  place.before('Maintenance/Snapshot', () => (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined); // the job gives up
    const more = setInterval(() => stream.write(frames({ remaining_bytes: 4096 })), 500);
    stream.on('close', () => clearInterval(more));
  });
  const result = await runJob(place.env(), { timeoutMs: 180_000 });
  const report = assertRunEnded(result, 4, 'failed');
  assert.match(
    report.steps.backup.reason,
    /no byte of the snapshot came for 60 s; and once more, .* 60 s\. Nothing/,
  );
  assert.ok(report.steps.backup.durationMs < 140_000);
});
