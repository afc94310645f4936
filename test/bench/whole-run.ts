import type { Cluster } from '../support/etcd-cluster.ts';
import { type Bench, type Data, say } from './context.ts';
import { processorOf, secondsOf } from './costs.ts';
import { databaseOf, nameOf } from './database.ts';
import { type Cost, runOfTheJob } from './job.ts';
import { inPairs } from './pairs.ts';
import { runByHand, ZSTD } from './peers.ts';
import { comparison, type Row } from './rows.ts';
import { folderStore } from './stores.ts';

/** Whole runs on three members, each on databases of its own: there is nothing to do in a second one. */
export async function wholeRun(bench: Bench): Promise<Row[]> {
  const store = folderStore(bench);
  const rows: Row[] = [];
  for (const data of bench.data) {
    const pairs = await inPairs(
      bench.runs,
      async () => {
        await store.clear();
        return onThree(bench, data, (cluster) => runOfTheJob(cluster, store, { DEFRAG_WAIT: '0s' }));
      },
      () => onThree(bench, data, (cluster) => runByHand(bench, cluster)),
    );
    const bytes = pairs.ours[0]?.report.backup?.rawBytes ?? Number.NaN;
    const what = `the whole run on three members, ${nameOf(data, bench.small)}`;
    const byHand = `save, ${ZSTD}, \`sync\`, compact and \`etcdctl defrag\` of each`;
    rows.push(
      comparison(`${what}, against ${byHand}`, secondsOf(pairs.ours), secondsOf(pairs.theirs), bytes),
      comparison(
        `${what}: time of the processors`,
        processorOf(pairs.ours),
        processorOf(pairs.theirs),
        bytes,
      ),
    );
  }
  return rows;
}

async function onThree<T extends Pick<Cost, 'seconds'>>(
  bench: Bench,
  data: Data,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  await using cluster = await databaseOf(bench, data, bench.small, 3);
  const done = await work(cluster);
  say(`${data} on three members: ${done.seconds.toFixed(2)} s`);
  return done; // the cluster ends with this scope
}
