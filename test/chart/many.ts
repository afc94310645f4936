import { CHART_NAME, wrapperChart } from './wrapper.ts';
import { type Manifest, parseManifests, type RenderOptions, renderText } from './chart.ts';

/** So many at a time: helm gets slower with each, and keeps all in memory. */
const AT_ONCE = 20;

/**
 * What `renderText` makes of each of these values. helm needs more time to start than to render, so a table is rendered by
 * a few processes: the values are given to parts of another chart, where Helm treats them as it does the chart's own. Only
 * the name of a first Job is another, as a hash of all that the Job is. A row that helm refuses fails the whole table.
 */
export async function renderTexts(rows: readonly object[], options: RenderOptions = {}): Promise<string[]> {
  const texts: string[] = [];
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    texts.push(...(await renderAtOnce(rows.slice(start, start + AT_ONCE), options)));
  }
  return texts;
}

/** What `render` makes of each of these values. */
export async function renderEach(
  rows: readonly object[],
  options: RenderOptions = {},
): Promise<Manifest[][]> {
  return (await renderTexts(rows, options)).map(parseManifests);
}

async function renderAtOnce(rows: readonly object[], options: RenderOptions): Promise<string[]> {
  const parts = rows.map((values, index) => [`row-${index}`, named(values)] as const);
  await using wrapper = await wrapperChart(Object.fromEntries(parts.map(([alias]) => [alias, {}])));
  const values = Object.fromEntries(parts);
  const text = await renderText({ ...options, values, chart: wrapper.path }).catch((error: Error) => {
    const [, index] = /\brow-(\d+)\b/.exec(error.message) ?? [];
    throw index === undefined
      ? error
      : new Error(`${JSON.stringify(rows[Number(index)])}: ${error.message}`, { cause: error });
  });
  const made = rows.map(() => '');
  for (const document of text.split(/^(?=---\n# Source: )/m)) {
    const [, alias = '', index = ''] = /^---\n# Source: platform\/charts\/(row-(\d+))\//.exec(document) ?? [];
    made[Number(index)] += asIfAlone(document, alias);
  }
  return made;
}

/** Helm takes the alias of a part for the name of its chart. */
const named = (values: { nameOverride?: unknown }): object => ({
  ...values,
  nameOverride: values.nameOverride ?? CHART_NAME,
});

/** The alias of a part is in two places only: in a comment of Helm's, and in the label that names the chart. */
const asIfAlone = (document: string, alias: string): string =>
  `${document.trimEnd()}\n`
    .replace(`# Source: platform/charts/${alias}/`, `# Source: ${CHART_NAME}/`)
    .replaceAll(`helm.sh/chart: ${alias}-`, `helm.sh/chart: ${CHART_NAME}-`);
