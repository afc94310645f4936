import type { Cluster } from '../support/etcd-cluster.ts';
import { etcdutl } from '../support/tools.ts';
import { type Bench, say } from './context.ts';
import { checking, peakOf, secondsOf } from './costs.ts';
import { backUp, type Cost, storeCommand } from './job.ts';
import { command, seconds } from './measure.ts';
import { save } from './peers.ts';
import { comparison, figure, mebibytes, type Row } from './rows.ts';
import { folderStore } from './stores.ts';

/** The commands that show what is in backups, against the tool that shows how many keys there are. */
export async function lookingInside(bench: Bench, cluster: Cluster): Promise<Row[]> {
  const store = folderStore(bench);
  await store.clear();
  // Without what a run would have counted, so that it has to be read.
  for (const _ of ['older', 'newer']) await backUp(bench, cluster, store, 'zstd', checking(false));
  const { stdout } = await storeCommand(store, ['list', '-o', 'json']);
  const { backups }: { backups: { name: string }[] } = JSON.parse(stdout);
  const older = backups.at(-1)?.name ?? '';
  const { file: saved } = await save(bench, cluster);
  const commands = { usage: ['usage', 'latest'], diff: ['diff', older, 'latest'] };
  const tool = await etcdutl();
  const rows: Row[] = [];
  for (const [name, args] of Object.entries(commands)) {
    const ours: Cost[] = [];
    const theirs: number[] = [];
    for (let run = 0; run < bench.runs; run += 1) {
      ours.push(await storeCommand(store, args));
      theirs.push(await seconds(() => command(tool, ['snapshot', 'status', saved])));
      say(
        `${name}: ${ours.at(-1)?.seconds.toFixed(2)} s; etcdutl snapshot status: ${theirs.at(-1)?.toFixed(2)} s`,
      );
    }
    const what = `\`${name}\` from disk, zstd, which reads ${name === 'diff' ? 'both backups' : 'it'} twice`;
    rows.push(
      comparison(`${what}; against \`etcdutl snapshot status\` of a decoded file`, secondsOf(ours), theirs),
      figure(`${what}: peak memory`, mebibytes(peakOf(ours))),
    );
  }
  return rows;
}
