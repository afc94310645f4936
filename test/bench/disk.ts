import { backupRows } from './backups.ts';
import type { Bench } from './context.ts';
import { databaseOf, nameOf } from './database.ts';
import { backUp } from './job.ts';
import { type Spent, together } from './measure.ts';
import { compress, save, sync, ZSTD } from './peers.ts';
import type { Row } from './rows.ts';
import { folderStore } from './stores.ts';

const SAVE = '`etcdctl snapshot save`';
const WAYS = { none: SAVE, zstd: `${SAVE}, ${ZSTD}, \`sync\`` };

/** Backups to a disk, against etcdctl and zstd. */
export async function disk(bench: Bench): Promise<Row[]> {
  const store = folderStore(bench);
  const rows: Row[] = [];
  for (const data of bench.data) {
    await using cluster = await databaseOf(bench, data, bench.size);
    await save(bench, cluster); // whoever is first would wait for what etcd has not mapped yet
    const theirs = async (way: keyof typeof WAYS): Promise<Spent> => {
      const { file, spent } = await save(bench, cluster);
      if (way === 'none') return spent;
      const compressed = await compress(file);
      return together([spent, compressed.spent, await sync(compressed.file)]);
    };
    for (const way of ['none', 'zstd'] as const)
      rows.push(
        ...(await backupRows(bench, {
          what: `${nameOf(data, bench.size)} to disk, ${way}`,
          against: WAYS[way],
          ours: async () => {
            await store.clear();
            return backUp(bench, cluster, store, way);
          },
          theirs: () => theirs(way),
        })),
      );
  }
  await store.clear();
  return rows;
}
