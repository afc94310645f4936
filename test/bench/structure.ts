import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bench, say } from './context.ts';
import { historyOf } from './history.ts';
import { backUp, type Cost, storeCommand, type Way } from './job.ts';
import { checking, processorOf, peakOf, secondsOf } from './costs.ts';
import { lookingInside } from './looking-inside.ts';
import { inPairs } from './pairs.ts';
import { comparison, mebibytes, type Row } from './rows.ts';
import { folderStore } from './stores.ts';

const WAYS = ['none', 'zstd'] as const satisfies readonly Way[];

/** Costs of the same work with the structure checked, and without. */
interface Pair {
  on: Cost[];
  off: Cost[];
}

/**
 * What looking inside costs: whole runs that only back up, `verify` and `fetch`, with BACKUP_CHECK_STRUCTURE and
 * without, in turn. Here "the others" are those without.
 */
export async function structure(bench: Bench): Promise<Row[]> {
  const store = folderStore(bench);
  await using cluster = await historyOf(bench);
  const rows: Row[] = [];
  for (const way of WAYS) {
    const pair = await inTurn(bench, `backup, ${way}`, async (on) => {
      await store.clear();
      return (await backUp(bench, cluster, store, way, checking(on))).whole;
    });
    rows.push(...rowsOf(`a run that only backs up, ${way}`, pair));
  }
  rows.push(...(await readingBack(bench)), ...(await lookingInside(bench, cluster)));
  return rows;
}

/** From the backup that the last run left, which zstd compresses. */
async function readingBack(bench: Bench): Promise<Row[]> {
  const store = folderStore(bench);
  const file = join(bench.folder, 'fetched.db');
  const commands = { verify: ['verify', 'latest'], fetch: ['fetch', 'latest', file] };
  const rows: Row[] = [];
  for (const [name, args] of Object.entries(commands)) {
    const pair = await inTurn(bench, name, async (on) => {
      await rm(file, { force: true });
      return storeCommand(store, args, checking(on));
    });
    rows.push(...rowsOf(`\`${name}\` from disk, zstd`, pair));
  }
  return rows;
}

async function inTurn(bench: Bench, what: string, work: (on: boolean) => Promise<Cost>): Promise<Pair> {
  const told = async (on: boolean): Promise<Cost> => {
    const cost = await work(on);
    const { seconds, processorSeconds = Number.NaN, peakRssBytes } = cost;
    say(
      `${what}, ${on ? 'with' : 'without'} the structure: ${seconds.toFixed(2)} s, ` +
        `${processorSeconds.toFixed(2)} s of the processors, peak ${mebibytes(peakRssBytes)}`,
    );
    return cost;
  };
  const { ours, theirs } = await inPairs(
    bench.runs,
    () => told(true),
    () => told(false),
  );
  return { on: ours, off: theirs };
}

function rowsOf(what: string, { on, off }: Pair): Row[] {
  const [more, less] = [peakOf(on), peakOf(off)];
  return [
    comparison(`${what}: time of the processors`, processorOf(on), processorOf(off)),
    comparison(`${what}: time`, secondsOf(on), secondsOf(off)),
    [`${what}: peak memory`, mebibytes(more), mebibytes(less), `+${mebibytes(more - less)}`, ''],
  ];
}
