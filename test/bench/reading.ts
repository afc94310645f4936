import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdutl } from '../support/tools.ts';
import { type Bench, type Data, say } from './context.ts';
import { peakOf, processorOf, secondsOf } from './costs.ts';
import { databaseOf, nameOf } from './database.ts';
import { backUp, type Cost, storeCommand } from './job.ts';
import { command, type Spent, together } from './measure.ts';
import { inPairs, median } from './pairs.ts';
import { sync } from './peers.ts';
import { comparison, figure, mebibytes, type Row, secondsText } from './rows.ts';
import { folderStore } from './stores.ts';

const WAYS = ['none', 'zstd'] as const;
type Way = (typeof WAYS)[number];

interface Backup {
  way: Way;
  /** As it is stored. */
  stored: string;
  rawBytes: number;
  /** For the rows. */
  what: string;
}

/** `verify`, `fetch` and `list` of a backup on a disk, the first two against what one has without them. */
export async function reading(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const data of bench.data)
    for (const way of WAYS) {
      const backup = await backedUp(bench, data, way);
      rows.push(...(await verified(bench, backup)), ...(await fetched(bench, backup)));
      rows.push(...(await listed(bench, backup)));
      await folderStore(bench).clear();
    }
  return rows;
}

/** The cluster is gone afterwards: nobody else is to need the processors. */
async function backedUp(bench: Bench, data: Data, way: Way): Promise<Backup> {
  await using cluster = await databaseOf(bench, data, bench.size);
  const store = folderStore(bench);
  const { name, rawBytes } = await backUp(bench, cluster, store, way);
  const stored = join(bench.store, store.env.CLUSTER_NAME ?? '', name);
  return { way, stored, rawBytes, what: `${nameOf(data, bench.size)} on disk, ${way}` };
}

async function verified(bench: Bench, backup: Backup): Promise<Row[]> {
  const tool = await etcdutl();
  const theirs = async () => {
    const { file, spent } = await decoded(bench, backup);
    return together([spent, await command(tool, ['snapshot', 'status', file])]);
  };
  const ours = () => storeCommand(folderStore(bench), ['verify', 'latest']);
  const against = `${backup.way === 'zstd' ? '`zstd -d`, ' : ''}\`etcdutl snapshot status\``;
  return inTurn(bench, backup, { name: 'verify', against, ours, theirs });
}

async function fetched(bench: Bench, backup: Backup): Promise<Row[]> {
  const target = join(bench.folder, 'fetched.db');
  const ours = async () => {
    await rm(target, { force: true });
    return storeCommand(folderStore(bench), ['fetch', 'latest', target]);
  };
  const theirs = async () => {
    const copy = backup.way === 'zstd' ? await decoded(bench, backup) : await copied(bench, backup);
    return together([copy.spent, await sync(copy.file)]);
  };
  const against = `${backup.way === 'zstd' ? '`zstd -d`' : '`cp`'}, \`sync\``;
  const rows = await inTurn(bench, backup, { name: 'fetch', against, ours, theirs });
  await rm(target);
  return rows;
}

async function listed(bench: Bench, { what }: Backup): Promise<Row[]> {
  const costs: Cost[] = [];
  for (let run = 0; run < bench.runs; run += 1) costs.push(await storeCommand(folderStore(bench), ['list']));
  return [
    figure(`\`list\`, ${what}`, secondsText(median(secondsOf(costs)))),
    figure(`\`list\`, ${what}: time of the processors`, secondsText(median(processorOf(costs)))),
    figure(`\`list\`, ${what}: peak memory`, mebibytes(peakOf(costs))),
  ];
}

/** What is not compressed is taken as it lies there. */
async function decoded({ folder }: Bench, { way, stored }: Backup): Promise<{ file: string; spent: Spent }> {
  if (way === 'none') return { file: stored, spent: together([]) };
  const file = join(folder, 'peer.db');
  await rm(file, { force: true });
  return { file, spent: await command('zstd', ['-d', '-q', stored, '-o', file]) };
}

async function copied({ folder }: Bench, { stored }: Backup): Promise<{ file: string; spent: Spent }> {
  const file = join(folder, 'peer.db');
  await rm(file, { force: true });
  return { file, spent: await command('cp', [stored, file]) };
}

interface Turns {
  name: string;
  against: string;
  ours: () => Promise<Cost>;
  theirs: () => Promise<Spent>;
}

async function inTurn(
  bench: Bench,
  { what, rawBytes }: Backup,
  { name, against, ours, theirs }: Turns,
): Promise<Row[]> {
  const pairs = await inPairs(bench.runs, ours, theirs);
  const row = `\`${name}\`, ${what}`;
  const texts = [pairs.ours, pairs.theirs].map((costs) => secondsOf(costs).map(secondsText).join(', '));
  say(`${row}: ${texts[0]}; the others: ${texts[1]}`);
  return [
    comparison(`${row}, against ${against}`, secondsOf(pairs.ours), secondsOf(pairs.theirs), rawBytes),
    comparison(
      `${row}: time of the processors`,
      processorOf(pairs.ours),
      processorOf(pairs.theirs),
      rawBytes,
    ),
    figure(`${row}: peak memory`, mebibytes(peakOf(pairs.ours))),
  ];
}
