import { join } from 'node:path';
import { bundle } from '../../build/bundle.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { firstCallMs } from './measure.ts';
import { median } from './pairs.ts';
import { figure, type Row } from './rows.ts';

const STARTS = 10;

/** How long it takes until the job first speaks to etcd. */
export async function start(): Promise<Row[]> {
  await using scratch = await scratchFolder('start');
  const cache = join(scratch.path, 'cache');
  const app = join(scratch.path, 'app');
  await bundle(app);
  const rows: Row[] = [];
  for (const [how, script, compiled] of [
    ['as `node src/main.ts`', 'src/main.ts', undefined],
    ['as `npm start` does it', 'src/main.ts', cache],
    ['bundled, as in the image', join(app, 'lib/main.js'), cache],
  ] as const) {
    await firstCallMs(script, compiled, 'to the end'); // fills the cache of compiled sources, which is written when a process ends
    const starts: number[] = [];
    for (let run = 0; run < STARTS; run += 1) starts.push(await firstCallMs(script, compiled));
    rows.push(figure(`start to first call, ${how}`, `${Math.round(median(starts))} ms`));
  }
  return rows;
}
