import { startS3 } from '../support/s3-server.ts';
import type { Bench } from './context.ts';
import { databaseOf } from './database.ts';
import { backUp, WAYS } from './job.ts';
import { figure, mebibytes, type Row } from './rows.ts';
import { type BenchStore, bucketStore, folderStore } from './stores.ts';

const SMALL = '64Mi';

/** The job's peak memory with backups to a disk: it must not grow with the database. */
export function memory(bench: Bench): Promise<Row[]> {
  return peaks(bench, folderStore(bench));
}

/** The same with backups to a bucket. */
export async function s3Memory(bench: Bench): Promise<Row[]> {
  await using server = await startS3();
  return await peaks(bench, bucketStore(server)); // the server ends with this scope
}

async function peaks(bench: Bench, store: BenchStore): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of new Set([SMALL, bench.large])) {
    await using cluster = await databaseOf(bench, 'text', size);
    for (const way of WAYS) {
      const { peakRssBytes } = await backUp(bench, cluster, store, way);
      await store.clear();
      rows.push(figure(`peak memory, ${size}, TLS, ${store.name}, ${way}`, mebibytes(peakRssBytes)));
    }
  }
  return rows;
}
