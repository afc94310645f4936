import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Ways to a process's streams that the linter does not see; `src/main.ts` hands them to the printer, `src/log.ts` has its own. */
const STREAMS =
  /process\.std|writeSync|\bdest: [12]\b|createWriteStream|console\.|\/dev\/std|\/dev\/tty|node:(?:process|console|tty)\b/;

test('nothing is printed but by the one printer and the log', () => {
  const files = globSync('src/**/*.ts').filter((file) =>
    STREAMS.test(withoutComments(readFileSync(file, 'utf8'))),
  );
  assert.deepEqual(files.toSorted(), ['src/log.ts', 'src/main.ts']);
});

const withoutComments = (text: string): string => text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
