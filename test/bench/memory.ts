import { startS3 } from '../support/s3-server.ts';
import type { Bench } from './context.ts';
import { checking } from './costs.ts';
import { databaseOf, isFilled, nameOf } from './database.ts';
import { backUp, WAYS } from './job.ts';
import { figure, mebibytes, type Row } from './rows.ts';
import { type BenchStore, bucketStore, folderStore } from './stores.ts';

/** With the database looked into, and not. */
const CHECKS = [true, false];
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
  // A corpus has but one size.
  const sizes = isFilled(bench.filling) ? new Set([SMALL, bench.large]) : [bench.large];
  for (const size of sizes) {
    await using cluster = await databaseOf(bench, bench.filling, size);
    for (const way of WAYS)
      for (const check of CHECKS) {
        const { peakRssBytes } = await backUp(bench, cluster, store, way, checking(check));
        await store.clear();
        const what = `${nameOf(bench.filling, size)}, TLS, ${store.name}, ${way}${check ? '' : ', BACKUP_CHECK_STRUCTURE=false'}`;
        rows.push(figure(`peak memory, ${what}`, mebibytes(peakRssBytes)));
      }
  }
  return rows;
}
