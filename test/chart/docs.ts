import { runProgram } from '../support/run-program.ts';
import { helmDocs } from '../support/tools.ts';
import { CHART } from './chart.ts';

/** How chart/README.md is made from chart/values.yaml. `npm run docs` does it. */
export const README_ARGS = [
  `--chart-search-root=${CHART}`,
  '--sort-values-order=file',
  '--skip-version-footer',
  '--log-level=warn',
];

if (import.meta.main) await runProgram(await helmDocs(), README_ARGS);
