import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { startJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { waitForTemporaryFile } from '../support/temporary-file.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settledSize } from '../support/settled-size.ts';
import { filesBelow } from '../support/stored-backup.ts';

const MIB = 2 ** 20;

// A minute of waiting: too slow for `npm test`, where BACKUP_TIMEOUT ends such a run.
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
  assert.match(report.steps.backup.reason, /failed: nothing came for 60 s\. Nothing was changed/);
  assert.ok(report.steps.backup.durationMs < 70_000);
  assert.deepEqual(await filesBelow(store.path), []);
});
