import type { Cluster } from '../support/etcd-cluster.ts';
import type { Bench } from './context.ts';
import { databaseOf } from './database.ts';
import { runOfTheJob } from './job.ts';
import { seconds } from './measure.ts';
import { runByHand } from './peers.ts';
import { comparison, type Row } from './rows.ts';
import { folderStore } from './stores.ts';

/** Whole runs on three members, each on databases of its own: there is nothing to do in a second one. */
export async function wholeRun(bench: Bench): Promise<Row[]> {
  const store = folderStore(bench);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    ours.push(await runSeconds(bench, (cluster) => runOfTheJob(cluster, store, { DEFRAG_WAIT: '0s' })));
    await store.clear();
    theirs.push(await runSeconds(bench, (cluster) => runByHand(bench, cluster)));
  }
  const what = `the whole run on three members with ${bench.small}, against etcdctl, zstd and \`etcdctl defrag\``;
  return [comparison(what, ours, theirs)];
}

async function runSeconds(bench: Bench, work: (cluster: Cluster) => Promise<unknown>): Promise<number> {
  await using cluster = await databaseOf(bench, bench.small, 3);
  return await seconds(() => work(cluster)); // the cluster ends with this scope
}
