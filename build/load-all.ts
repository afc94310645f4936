import { globSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * Loads every chunk of the bundle in the working directory when the job ends, so that Node compiles what this run had no
 * need of: `node --import .../load-all.ts lib/main.js`. In that very process, because V8 takes compiled code only where it
 * has the same flags, and the job sets one.
 */
const require = createRequire(`${process.cwd()}/`);
process.on('exit', () => {
  for (const chunk of globSync('./lib/chunks/*.js')) require(`./${chunk}`);
});
