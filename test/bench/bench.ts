import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../../build/bundle.ts';
import { ageKey } from '../support/age.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type Bench, DATA, type Data, say } from './context.ts';
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
 * mean anything. `npm run bench -- NAME... --corpus objects --size 1Gi --large 4Gi --filling random --runs 5`; without a
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

function dataOf(name: string): Data {
  const found = DATA.find((one) => one === name);
  if (found === undefined) throw new Error(`no corpus ${name}; there are ${DATA.join(', ')}`);
  return found;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '1Gi' },
    large: { type: 'string', default: '4Gi' },
    small: { type: 'string', default: '400Mi' },
    backups: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '5' },
    corpus: { type: 'string', multiple: true, default: ['text', 'objects', 'encrypted'] },
    filling: { type: 'string', default: 'text' },
  },
});
const names = Object.keys(BENCHES);
const strange = positionals.filter((name) => !names.includes(name));
if (strange.length > 0) throw new Error(`no bench ${strange.join(', ')}; there are ${names.join(', ')}`);

const data = values.corpus.map(dataOf);
const filling = dataOf(values.filling);

await using folder = await scratchFolder('bench', '/var/tmp');
const bench: Bench = {
  data,
  size: values.size,
  large: values.large,
  filling,
  small: values.small,
  backups: Number(values.backups),
  runs: Number(values.runs),
  folder: folder.path,
  store: join(folder.path, 'store'),
  key: await ageKey(folder.path, 'key'),
};

// What the image runs, unless another job is named.
const app = join(folder.path, 'app');
if (process.env.JOB_SCRIPT === undefined) await bundle(app);
process.env.JOB_SCRIPT ??= join(app, 'lib/main.js');

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
