import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';

/**
 * Loads every chunk of the bundle in the working directory beside what the job loads, so that Node compiles it:
 * `node --import .../load-all.ts lib/main.js`. V8 takes compiled code only where it has the same flags, and the job sets
 * one when a command is loaded: the commands are loaded here before that, and all else when the job ends.
 */
const require = createRequire(`${process.cwd()}/`);
const load = (pattern: string): void => globSync(pattern).forEach((chunk) => require(`./${chunk}`));

for (const command of globSync(`${import.meta.dirname}/../src/commands/*.ts`))
  load(`lib/chunks/${basename(command, '.ts')}-*.js`);
process.on('exit', () => load('lib/chunks/*.js'));
