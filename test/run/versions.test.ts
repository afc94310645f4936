import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { runJob } from '../support/run-job.ts';
import { assertRunEnded, assertSteps } from '../support/run-assertions.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { onlyBackup, restoreBackup } from '../support/stored-backup.ts';

/** Small as the database is, it would be compacted and defragmented if its version allowed it. */
const settings = { COMPACTION_RETENTION: '5', DEFRAG_MIN_DB_SIZE: '1Mi', DEFRAG_WAIT: '0s' };

/** Of six megabytes that are written, five are history. */
const RECLAIMABLE = 3_000_000;

async function sizesOf(cluster: Cluster): Promise<number[]> {
  return (await cluster.status()).map(({ dbSize }) => dbSize);
}

test('members of 3.5 and 3.6, an upgrade under way: backed up and compacted, not defragmented, exit 5', async () => {
  await using cluster = await startCluster({ size: 3, version: ['3.5', '3.5', '3.6'] });
  await using store = await scratchFolder('store');
  await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 30 });
  const before = await sizesOf(cluster);
  const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
  const report = assertRunEnded(await runJob(env), 5, 'partial');
  assertSteps(report, { backup: 'done', prune: 'skipped', compact: 'done', defragment: 'refused' });
  assert.match(report.steps.defragment.reason, /different minor versions \(3\.\d at .*; 3\.\d at .*\)/);
  assert.match(report.steps.defragment.reason, /finish the upgrade first/);
  assert.ok(report.members.every(({ defragmented }) => !defragmented));
  for (const [index, size] of (await sizesOf(cluster)).entries()) assert.ok(size >= (before[index] ?? 0));
  const backup = await onlyBackup(store.path);
  await using restored = await restoreBackup(backup, { version: '3.5' });
  assert.ok((await restored.member(0).status()).revision >= backup.manifest.revision);
});

test('etcd 3.5.4 is backed up and compacted but not defragmented, exit 5, until the risk is taken', async () => {
  await using cluster = await startCluster({ version: '3.5.4' });
  await using store = await scratchFolder('store');
  await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 30 });
  const [before = 0] = await sizesOf(cluster);
  const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
  const refused = assertRunEnded(await runJob(env), 5, 'partial');
  assertSteps(refused, { backup: 'done', compact: 'done', defragment: 'refused' });
  assert.match(refused.steps.defragment.reason, /etcd 3\.5\.4 .*etcd#14733.*fixed in 3\.5\.6/);
  assert.match(refused.steps.defragment.reason, /DEFRAG_ALLOW_KNOWN_BAD_VERSIONS=true/);
  assert.ok(((await sizesOf(cluster))[0] ?? 0) >= before);
  await onlyBackup(store.path);

  const allowed = await runJob({ ...env, DEFRAG_ALLOW_KNOWN_BAD_VERSIONS: 'true' });
  const report = assertRunEnded(allowed, 0, 'ok');
  assertSteps(report, { defragment: 'done' });
  assert.ok(report.warnings.some((text) => /3\.5\.4.*DEFRAG_ALLOW_KNOWN_BAD_VERSIONS/.test(text)));
  assert.ok(report.reclaimedBytes > RECLAIMABLE);
});

test('etcd 3.4.23 is defragmented, with a warning of what was fixed in 3.4.38', async () => {
  await using cluster = await startCluster({ version: '3.4' });
  await using store = await scratchFolder('store');
  await fill(cluster, { keys: 20, valueBytes: 10_000, overwrites: 30 });
  const env = { ...cluster.env, ...settings, BACKUP_STORE: `file://${store.path}` };
  const report = assertRunEnded(await runJob(env), 0, 'ok');
  assertSteps(report, { backup: 'done', compact: 'done', defragment: 'done' });
  assert.ok(report.warnings.some((text) => /3\.4\.23.*etcd#20650.*3\.4\.38/.test(text)));
  assert.ok(report.reclaimedBytes > RECLAIMABLE);
  const backup = await onlyBackup(store.path);
  await using restored = await restoreBackup(backup, { version: '3.4' });
  assert.ok((await restored.member(0).status()).revision >= backup.manifest.revision);
});
