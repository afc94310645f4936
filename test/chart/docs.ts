import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
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

/** The defaults for templates, which can read every file of a chart but its values.yaml. */
export const DEFAULTS = join(CHART, 'templates/_defaults.tpl');

export async function defaultsTemplate(): Promise<string> {
  const defaults = stringify(parse(await readFile(join(CHART, 'values.yaml'), 'utf8')), { lineWidth: 0 });
  return [
    '{{/* Made from values.yaml by `npm run docs`, for _values.tpl. */}}',
    '{{- define "etcd-upkeep.defaults" -}}',
    `${defaults.trimEnd()}\n{{- end }}\n`,
  ].join('\n');
}

if (import.meta.main) {
  await writeFile(DEFAULTS, await defaultsTemplate());
  await runProgram(await helmDocs(), README_ARGS);
}
