import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ageKey } from '../support/age.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type Bench, say } from './context.ts';
import { disk } from './disk.ts';
import { generated } from './generated.ts';
import { list } from './list.ts';
import { machine, stealMeter } from './machine.ts';
import { memory, s3Memory } from './memory.ts';
import { reading } from './reading.ts';
import { wholeRun } from './whole-run.ts';
import { s3 } from './s3.ts';
import { start } from './start.ts';
import { type Row, table } from './rows.ts';
import { structure } from './structure.ts';
import { wayBack } from './way-back.ts';

/**
 * Compares the job with the tools that it replaces, in turn on the same databases in the same minutes: only the ratios
 * name all of them, one after another.
 */

const BENCHES: Record<string, (bench: Bench) => Promise<Row[]>> = {
  disk,
  s3,
  'whole-run': wholeRun,
  reading,
  memory,
  's3-memory': s3Memory,
  list,
  'way-back': wayBack,
  start,
  structure,
  generated,
};

const DATA = ['text', 'objects', 'encrypted'] as const satisfies Bench['data'];
const isData = (name: string): name is (typeof DATA)[number] => DATA.some((one) => one === name);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '1Gi' },
    large: { type: 'string', default: '2Gi' },
    small: { type: 'string', default: '400Mi' },
    backups: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '5' },
    corpus: { type: 'string', multiple: true, default: [...DATA] },
  },
});
const names = Object.keys(BENCHES);
const strange = positionals.filter((name) => !names.includes(name));
if (strange.length > 0) throw new Error(`no bench ${strange.join(', ')}; there are ${names.join(', ')}`);

const strangeData = values.corpus.filter((name) => !isData(name));
if (strangeData.length > 0)
  throw new Error(`no corpus ${strangeData.join(', ')}; there are ${DATA.join(', ')}`);

await using folder = await scratchFolder('bench', '/var/tmp');
const bench: Bench = {
  data: values.corpus.filter(isData),
  size: values.size,
  large: values.large,
  small: values.small,
  backups: Number(values.backups),
  runs: Number(values.runs),
  folder: folder.path,
  store: join(folder.path, 'store'),
  key: await ageKey(folder.path, 'key'),
};

console.log(machine());
const rows: Row[] = [];
for (const [name, run] of Object.entries(BENCHES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const steal = stealMeter();
  const began = performance.now();
  rows.push(...(await run(bench)));
  const minutes = (performance.now() - began) / 60_000;
  say(`${name} took ${minutes.toFixed(1)} min, in which others had ${steal()} of the processors' time`);
}

console.log(`\n${table(rows)}`);
