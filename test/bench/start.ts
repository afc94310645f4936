import { join } from 'node:path';
import { REPOSITORY } from '../support/repository.ts';
import { firstCallMs } from './measure.ts';
import { median } from './pairs.ts';
import { figure, type Row } from './rows.ts';

const STARTS = 10;

/** How long it takes until the job first speaks to etcd. */
export async function start(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [how, cache] of [
    ['as `node src/main.ts`', undefined],
    ['as `npm start` and the image do it', join(REPOSITORY, '.cache/compile')],
  ] as const) {
    await firstCallMs(cache, 'to the end'); // fills the cache of compiled sources, which is written when a process ends
    const starts: number[] = [];
    for (let run = 0; run < STARTS; run += 1) starts.push(await firstCallMs(cache));
    rows.push(figure(`start to first call, ${how}`, `${Math.round(median(starts))} ms`));
  }
  return rows;
}
