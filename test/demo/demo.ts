import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tableOf } from '../../src/run/table.ts';
import { type Cluster, startCluster } from '../support/etcd-cluster.ts';
import { fill } from '../support/fill.ts';
import { startJob } from '../support/run-job.ts';
import { readKeys } from '../support/read-keys.ts';
import { decompress, restoreSnapshot } from '../support/restored-cluster.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { reportOf } from '../support/run-report.ts';

/**
 * What a run does, on a throwaway etcd: three members with TLS, whose history of overwritten values fills the
 * database files. Run with `npm run demo`.
 */

const REGISTRY = '/registry/';

say('Starting an etcd of three members with TLS');
await using cluster = await startCluster({ size: 3, tls: true });
await using store = await scratchFolder('backups');

say('Writing 300 objects under /registry/, each of them overwritten 60 times (about 280 MB of history)');
await fill(cluster, { keys: 300, valueBytes: 15_000, overwrites: 60, compressible: true });
const before = await readKeys(cluster, REGISTRY);
await showMembers(cluster, 'Before:');

const environment = {
  ...cluster.env,
  CLUSTER_NAME: 'demo',
  BACKUP_STORE: `file://${store.path}`,
  COMPACTION_RETENTION: '50',
  DEFRAG_WAIT: '2s',
};
say(`Running the job (node src/main.ts) with this environment:\n${environmentOf(environment)}`);
await using job = await startJob(environment);
const result = await job.finished;
console.log(result.stdout.trimEnd());
assert.equal(result.code, 0, 'the job ends with exit code 0');
console.log(tableOf(reportOf(result)));

await showMembers(cluster, 'After:');

const folder = join(store.path, 'demo');
const files = (await readdir(folder)).toSorted();
say('The store:');
for (const file of files)
  console.log(`  ${(await stat(join(folder, file))).size.toString().padStart(12)}  ${file}`);
const [data = '', manifest = ''] = files;
console.log(await readFile(join(folder, manifest), 'utf8'));

say('Restoring the backup with etcdutl, starting an etcd on it, and comparing every key, value and revision');
await using restored = await restoreSnapshot(await decompress(join(folder, data)));
assert.deepEqual(
  await readKeys(restored, REGISTRY),
  before,
  'the restored objects are those from before the run',
);
assert.deepEqual(await readKeys(cluster, REGISTRY), before, 'the cluster still has every object');
say(
  `All ${before.size} objects are in the restored etcd and in the cluster, with the same values and revisions.`,
);

function say(text: string): void {
  console.log(`\n== ${text}`);
}

function environmentOf(env: Record<string, string>): string {
  return Object.entries(env)
    .map(([name, value]) => `   ${name}=${value}`)
    .join('\n');
}

async function showMembers(of: Cluster, title: string): Promise<void> {
  say(title);
  console.log(await of.etcdctl('endpoint', 'status', '--write-out=table'));
}
