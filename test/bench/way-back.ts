import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { restoreSnapshot } from '../support/restored-cluster.ts';
import { startS3 } from '../support/s3-server.ts';
import { type Bench, say } from './context.ts';
import { databaseOf, QUOTA_BYTES } from './database.ts';
import { backUp, storeCommand, type Way } from './job.ts';
import { seconds } from './measure.ts';
import { save } from './peers.ts';
import { comparison, type Row } from './rows.ts';
import { type BenchStore, bucketStore, folderStore } from './stores.ts';

interface Source {
  store: BenchStore;
  way: Way;
  env: Record<string, string>;
  took: number[];
}

/**
 * From a backup in a store to an etcd that answers, against the same from a snapshot file that lies there already: what
 * fetching costs of the time that a cluster is gone.
 */
export async function wayBack(bench: Bench): Promise<Row[]> {
  await using server = await startS3();
  const sources: Source[] = [
    { store: folderStore(bench), way: 'zstd', env: {}, took: [] },
    {
      store: bucketStore(server),
      way: 'zstd and age',
      env: { BACKUP_AGE_IDENTITY_FILE: bench.key.file },
      took: [],
    },
  ];
  const { saved, revision } = await prepare(bench, sources);
  const alone: number[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    alone.push(await restoredIn(bench, saved, revision));
    for (const source of sources) source.took.push(await fetchedAndRestoredIn(bench, source, revision));
  }
  return sources.map(({ store, way, took }) =>
    comparison(
      `the way back of ${bench.large}: \`fetch\` (${store.name}, ${way}), \`etcdutl snapshot restore\`, first answer; against the latter two alone`,
      took,
      alone,
    ),
  );
}

/** The database itself is gone when this is over, as it would be. */
async function prepare(
  bench: Bench,
  sources: readonly Source[],
): Promise<{ saved: string; revision: number }> {
  await using cluster = await databaseOf(bench, 'text', bench.large);
  const { file: saved } = await save(bench, cluster);
  for (const { store, way } of sources) await backUp(bench, cluster, store, way);
  const { revision } = await cluster.member(0).status();
  return { saved, revision };
}

async function fetchedAndRestoredIn(
  bench: Bench,
  { store, way, env }: Source,
  revision: number,
): Promise<number> {
  const file = join(bench.folder, 'fetched.db');
  const fetching = await seconds(() => storeCommand(store, ['fetch', 'latest', file], env));
  say(`fetch, ${store.name}, ${way}: ${fetching.toFixed(2)} s`);
  const restoring = await restoredIn(bench, file, revision);
  await rm(file);
  return fetching + restoring;
}

/** Seconds until an etcd on it answers; that it ends is not in them. */
async function restoredIn({ folder }: Bench, file: string, revision: number): Promise<number> {
  const began = performance.now();
  await using cluster = await restoreSnapshot(file, { dataDir: folder, quotaBytes: QUOTA_BYTES });
  const took = (performance.now() - began) / 1000;
  const status = await cluster.member(0).status();
  // The backup's own run wrote its lock, which leaves with its lease.
  assert.ok(Math.abs(status.revision - revision) < 10, `${status.revision} for ${revision}`);
  say(`restore and start: ${took.toFixed(2)} s`);
  return took;
}
