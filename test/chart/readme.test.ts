import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../support/run-program.ts';
import { helmDocs } from '../support/tools.ts';
import { CHART } from './chart.ts';
import { README_ARGS } from './docs.ts';

test("the chart's README is what its values say", async () => {
  const generated = await runProgram(await helmDocs(), [...README_ARGS, '--dry-run']);
  const readme = await readFile(join(CHART, 'README.md'), 'utf8');
  assert.ok(readme.trim() === generated.trim(), 'values or template changed: npm run docs writes it anew');
});

test('every value is described', async () => {
  await runProgram(await helmDocs(), [
    ...README_ARGS,
    '--dry-run',
    '--documentation-strict-mode',
    '--documentation-strict-ignore-absent=',
    '--documentation-strict-ignore-absent-regex=',
  ]);
});
