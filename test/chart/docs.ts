import { run } from '../support/process.ts';
import { helmDocs } from '../support/tools.ts';
import { CHART } from './chart.ts';

/** How chart/README.md is made from chart/values.yaml. `npm run docs` does it. */
export const README_ARGS = [
  `--chart-search-root=${CHART}`,
  '--sort-values-order=file',
  '--skip-version-footer',
  '--log-level=warn',
];

if (import.meta.main) await run(await helmDocs(), README_ARGS);
