import assert from 'node:assert/strict';
import { sizeBytes } from '../../src/config/units.ts';
import { runJob } from '../support/run-job.ts';
import { type Bench, say } from './context.ts';
import type { Cost } from './job.ts';
import type { Depth } from './read-generated.ts';
import { median } from './pairs.ts';
import { figure, mebibytes, type Row, secondsText } from './rows.ts';

const SIZES = ['1Gi', '8Gi'];
/** Distinct keys in a GiB. */
const KEYS = 110_000;
const TIMEOUT_MS = 600_000;
const DEPTHS = ['nothing', 'structure', 'contents'] as const satisfies Depth[];
/** How often the file is made for it. */
const READS: Record<Depth, number> = { nothing: 1, structure: 1, contents: 2 };
/** As src/main.ts sets it. */
const NODE_ARGS = ['--scavenger-max-new-space-capacity-mb=1'];

/** What the structure of a large database takes, and then all that is in it. The file is made as it is read, and on no disk. */
export async function generated(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SIZES) {
    const costs = new Map<Depth, Cost[]>(DEPTHS.map((depth) => [depth, []]));
    for (let run = 0; run < bench.runs; run += 1)
      for (const depth of DEPTHS) costs.get(depth)?.push(await read(size, depth));
    const of = (depth: Depth, what: (cost: Cost) => number | undefined): number =>
      median((costs.get(depth) ?? []).map((cost) => what(cost) ?? Number.NaN));
    for (const depth of DEPTHS.slice(1)) {
      const seconds = of(depth, processorOf) - READS[depth] * of('nothing', processorOf);
      const peaks = DEPTHS.map((one) => mebibytes(of(one, ({ peakRssBytes }) => peakRssBytes)));
      rows.push(figure(`${depth} of a generated ${size}: processor time of reading`, secondsText(seconds)));
      rows.push(
        figure(
          `${depth} of a generated ${size}: peak memory, and of a process that only makes the file`,
          `${peaks[DEPTHS.indexOf(depth)]} and ${peaks[0]}`,
        ),
      );
    }
  }
  return rows;
}

const processorOf = ({ processorSeconds }: Cost): number | undefined => processorSeconds;

async function read(size: string, depth: Depth): Promise<Cost> {
  const bytes = sizeBytes(size);
  const keys = Math.round((bytes / 2 ** 30) * KEYS);
  const result = await runJob(
    {},
    {
      script: 'test/bench/read-generated.ts',
      args: [String(bytes), String(keys), depth],
      nodeArgs: NODE_ARGS,
      timeoutMs: TIMEOUT_MS,
    },
  );
  assert.equal(result.code, 0, result.stderr);
  const { seconds, processorSeconds, peakRssBytes } = result;
  say(
    `${depth} of ${size}: ${seconds.toFixed(2)} s, ${processorSeconds?.toFixed(2)} s of the processors, peak ${mebibytes(peakRssBytes)}`,
  );
  return result;
}
