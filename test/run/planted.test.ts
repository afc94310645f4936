import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCluster } from '../support/etcd-cluster.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { runJob } from '../support/run-job.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { MIB } from '../support/units.ts';

const PAIRS = 50_000;
const HOUR_MS = 3_600_000;

/** What has the names of backups and of their manifests, and is none. */
function plant(folder: string): void {
  mkdirSync(folder);
  for (let hour = 0; hour < PAIRS; hour += 1) {
    const at = new Date(Date.UTC(2018, 0) + hour * HOUR_MS).toISOString().replace(/[-:]|\.\d+/g, '');
    const path = join(folder, `${at}-${hour}.db`);
    writeFileSync(path, 'x');
    writeFileSync(`${path}.json`, '{}');
  }
}

test('a run in a folder of 50,000 pairs that are no backups needs little memory, and makes its own', async () => {
  await using cluster = await startCluster();
  await using scratch = await scratchFolder('store');
  plant(join(scratch.path, 'prod'));
  const store = { BACKUP_STORE: `file://${scratch.path}`, CLUSTER_NAME: 'prod' };
  const result = await runJob({ ...cluster.env, ...store });
  // With so much that is another's nothing is deleted, and somebody is told.
  assertSteps(assertRunEnded(result, 5, 'partial'), {
    backup: 'done',
    prune: ['failed', /more than 1000 of/],
  });
  assert.ok((result.peakRssBytes ?? Number.NaN) < 250 * MIB, `${result.peakRssBytes} bytes`);
});
