import { describe } from 'node:test';
import { type Shape, testWholeRun } from '../support/whole-run.ts';

/**
 * Every version that is promised, in every shape: minutes, so `npm run test:matrix` and not `npm test`. Two at once,
 * since each of them waits for a lease and for elections.
 */
describe('a whole run', { concurrency: 2 }, () => {
  for (const version of ['3.4', '3.5', '3.6', '3.7'] satisfies Shape['version'][])
    for (const size of [1, 3] satisfies Shape['size'][])
      for (const security of ['plain text', 'TLS', 'a password'] satisfies Shape['security'][])
        testWholeRun({ version, size, security });
});
