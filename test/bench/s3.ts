import type { Cluster } from '../support/etcd-cluster.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { type Bench, say } from './context.ts';
import { databaseOf } from './database.ts';
import { backUp } from './job.ts';
import { seconds } from './measure.ts';
import { compress, compressAndEncrypt, save, upload } from './peers.ts';
import { comparison, type Row } from './rows.ts';
import { bucketStore } from './stores.ts';

const WAYS = ['zstd', 'zstd and age', 'none'] as const;
type Way = (typeof WAYS)[number];

/** What the others do between `etcdctl snapshot save` and the upload by the SDK, both of which go through the disk. */
const BETWEEN: Record<Way, { what: string; file(bench: Bench, saved: string): Promise<string> }> = {
  none: { what: '', file: async (_bench, saved) => saved },
  zstd: { what: ' `zstd -3`,', file: (_bench, saved) => compress(saved) },
  'zstd and age': {
    what: ' `zstd -3` piped into `age`,',
    file: (bench, saved) => compressAndEncrypt(saved, bench),
  },
};

/**
 * Backups to a bucket, in one pass against one step after another. The server keeps it where tests keep everything, in
 * memory where there is enough of it, for both; it shares the processors with etcd and whoever uploads.
 */
export async function s3(bench: Bench): Promise<Row[]> {
  await using server = await startS3();
  await using cluster = await databaseOf(bench, bench.size);
  const rows: Row[] = [];
  for (const way of WAYS) {
    const { ours, theirs } = await takeTurns(bench, cluster, server, way);
    rows.push(
      comparison(
        `proved backup of ${bench.size} to S3, ${way}, against \`etcdctl snapshot save\`,${BETWEEN[way].what} upload`,
        ours,
        theirs,
      ),
    );
  }
  return rows;
}

async function takeTurns(bench: Bench, cluster: Cluster, server: S3Server, way: Way) {
  const store = bucketStore(server);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    ours.push((await backUp(bench, cluster, store, way)).seconds);
    await store.clear();
    theirs.push(await stepByStep(bench, cluster, server, way));
    await store.clear();
  }
  return { ours, theirs };
}

async function stepByStep(bench: Bench, cluster: Cluster, server: S3Server, way: Way): Promise<number> {
  let file = '';
  const saving = await seconds(async () => {
    file = await save(bench, cluster);
  });
  const between = await seconds(async () => {
    file = await BETWEEN[way].file(bench, file);
  });
  const uploading = await seconds(() => upload(server, file));
  const all = saving + between + uploading;
  const steps = [saving, between, uploading].map((step) => step.toFixed(2)).join(' + ');
  say(`the others, ${way}: ${all.toFixed(2)} s (${steps})`);
  return all;
}
