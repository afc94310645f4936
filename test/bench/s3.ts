import type { Cluster } from '../support/etcd-cluster.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import { backupRows } from './backups.ts';
import type { Bench } from './context.ts';
import { databaseOf, nameOf } from './database.ts';
import { backUp } from './job.ts';
import { type Spent, together } from './measure.ts';
import { compress, compressAndEncrypt, type Made, save, upload, ZSTD } from './peers.ts';
import type { Row } from './rows.ts';
import { bucketStore } from './stores.ts';

const WAYS = ['zstd', 'zstd and age', 'none'] as const;
type Way = (typeof WAYS)[number];

/** What the others do between `etcdctl snapshot save` and the upload by the SDK, both of which go through the disk. */
const BETWEEN: Record<Way, { what: string; make(bench: Bench, saved: Made): Promise<Made> }> = {
  none: { what: '', make: async (_bench, { file }) => ({ file, spent: together([]) }) },
  zstd: { what: ` ${ZSTD},`, make: (_bench, { file }) => compress(file) },
  'zstd and age': {
    what: ` ${ZSTD} piped into \`age\`,`,
    make: (bench, { file }) => compressAndEncrypt(file, bench),
  },
};

/**
 * Backups to a bucket, in one pass against one step after another. The server keeps it where tests keep everything, in
 * memory where there is enough of it, for both; it shares the processors with etcd and whoever uploads.
 */
export async function s3(bench: Bench): Promise<Row[]> {
  await using server = await startS3();
  const store = bucketStore(server);
  const rows: Row[] = [];
  for (const data of bench.data) {
    await using cluster = await databaseOf(bench, data, bench.size);
    await save(bench, cluster); // whoever is first would wait for what etcd has not mapped yet
    for (const way of WAYS)
      rows.push(
        ...(await backupRows(bench, {
          what: `${nameOf(data, bench.size)} to S3, ${way}`,
          against: `\`etcdctl snapshot save\`,${BETWEEN[way].what} upload`,
          ours: async () => {
            await store.clear();
            return backUp(bench, cluster, store, way);
          },
          theirs: () => stepByStep(bench, cluster, server, way),
        })),
      );
  }
  return rows;
}

async function stepByStep(bench: Bench, cluster: Cluster, server: S3Server, way: Way): Promise<Spent> {
  const saved = await save(bench, cluster);
  const made = await BETWEEN[way].make(bench, saved);
  await server.clear();
  const uploading = await upload(server, made.file);
  return together([saved.spent, made.spent, uploading]);
}
