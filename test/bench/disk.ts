import { type Bench, say } from './context.ts';
import { databaseOf } from './database.ts';
import { backUp } from './job.ts';
import { seconds } from './measure.ts';
import { compress, save } from './peers.ts';
import { comparison, type Row } from './rows.ts';
import { folderStore } from './stores.ts';

/** Backups to a disk, against etcdctl and zstd. */
export async function disk(bench: Bench): Promise<Row[]> {
  const store = folderStore(bench);
  await using cluster = await databaseOf(bench, bench.size);
  const ours = { none: Array<number>(), zstd: Array<number>() };
  const theirs = { none: Array<number>(), zstd: Array<number>() };
  for (let run = 0; run < bench.runs; run += 1) {
    for (const way of ['none', 'zstd'] as const) {
      ours[way].push((await backUp(bench, cluster, store, way)).seconds);
      await store.clear();
      const took = await seconds(async () => {
        const file = await save(bench, cluster);
        if (way === 'zstd') await compress(file);
      });
      theirs[way].push(took);
      say(`the others, ${way}: ${took.toFixed(2)} s`);
    }
  }
  return [
    comparison(
      `proved backup of ${bench.size} to disk, against \`etcdctl snapshot save\``,
      ours.none,
      theirs.none,
    ),
    comparison('the same with zstd, against `etcdctl snapshot save` and `zstd -3`', ours.zstd, theirs.zstd),
  ];
}
