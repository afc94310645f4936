import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { UNIT_RUN } from './more-than-node.ts';
import { REPOSITORY } from './repository.ts';

/**
 * Runs the unit tests: every test file that reaches by its imports no module which needs more than Node. No name and no
 * folder says so, and nobody has to remember it. Run as `npm run test:unit`; arguments go to `node --test`.
 */

const MORE = join(REPOSITORY, 'test/support/more-than-node.ts');
/** Of other files, and no types: those are gone when a test runs. */
const IMPORT = /^(?:import|export) (?!type )[^;]*?'(\.[^']*\.ts)';$/gm;

const known = new Map<string, readonly string[]>();

function importsOf(file: string): readonly string[] {
  const found =
    known.get(file) ??
    Array.from(readFileSync(file, 'utf8').matchAll(IMPORT), ([, path = '']) => join(dirname(file), path));
  known.set(file, found);
  return found;
}

function reachesMore(file: string, seen = new Set<string>()): boolean {
  if (file === MORE) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return importsOf(file).some((imported) => reachesMore(imported, seen));
}

const files = globSync('test/**/*.test.ts', { cwd: REPOSITORY }).filter(
  (file) => !reachesMore(join(REPOSITORY, file)),
);
const how = [
  '--import=./test/support/blocking.ts',
  '--test',
  '--test-force-exit',
  `--test-concurrency=${availableParallelism()}`,
];
const child = spawn(process.execPath, [...how, ...process.argv.slice(2), ...files], {
  cwd: REPOSITORY,
  stdio: 'inherit',
  env: { ...process.env, [UNIT_RUN]: 'true' },
});
await once(child, 'exit');
process.exitCode = child.exitCode ?? 1;
