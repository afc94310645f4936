import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BASES } from '../support/bolt-bases.ts';
import { fuzz } from '../support/bolt-fuzz.ts';
import { makeDatabase, startJudge } from '../support/bolt-maker.ts';
import { REPOSITORY } from '../support/repository.ts';
import { MIB } from '../support/units.ts';

/**
 * Changes databases at random, many more than a test does, and keeps what must not be under `.cache/fuzz`:
 * `npm run fuzz -- --count 1000000 --seed 1`. The same seed gives the same changes, of databases whose pages lie elsewhere
 * (bbolt goes through maps): what is kept is the changed file itself.
 */

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
});
const count = Number(values.count);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
/** The databases are made anew then. */
const ROUND = 50_000;

await using judge = await startJudge();
const said: Record<string, number> = {};
const begun = performance.now();
let [tried, failed] = [0, 0];
console.log(`seed ${seed}, ${count} databases`);
while (tried < count && failed < 20) {
  const bases = new Map<string, Buffer>();
  for (const [name, recipe] of Object.entries(BASES))
    bases.set(name, (await makeDatabase({ ...recipe, seed: seed + tried })).file);
  const round = await fuzz({
    bases,
    judge,
    seed: seed + tried,
    count: Math.min(ROUND, count - tried),
    onProgress: (now) => tell(tried + now),
  });
  for (const [word, times] of Object.entries(round.said)) said[word] = (said[word] ?? 0) + times;
  for (const { seed: at, base, done, why, file } of round.failures) {
    const folder = join(REPOSITORY, '.cache/fuzz');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${at}-${base}.db`);
    await writeFile(path, file);
    console.log(`${path} (${done.join(', ')}): ${why}`);
  }
  tried += round.tried;
  failed += round.failures.length;
}
tell(tried);
console.log(said);
process.exitCode = failed === 0 ? 0 : 1;

function tell(now: number): void {
  const seconds = (performance.now() - begun) / 1000;
  const mebibytes = Math.round(process.memoryUsage().rss / MIB);
  console.log(`${now} databases, ${Math.round(now / seconds)} a second, ${mebibytes} MiB`);
}
