import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { scratchFolder } from '../support/scratch-folder.ts';
import { CHART, type Manifest, render, type RenderOptions } from './chart.ts';

export const CHART_NAME = 'etcd-upkeep';

export interface Wrapper extends AsyncDisposable {
  /** The folder of the chart. */
  readonly path: string;
}

/**
 * A chart of somebody else that has this one as a part, or several times: a part's name is an alias where it is not the
 * chart's own. Its values.yaml holds what it says of them and of `global`. This checkout lies in it as
 * `helm dependency update` would put it there.
 */
export async function wrapperChart(parts: Record<string, object>, global: object = {}): Promise<Wrapper> {
  const scratch = await scratchFolder('wrapper');
  const { path } = scratch;
  const { version } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
  const dependencies = Object.keys(parts).map((alias) => ({
    name: CHART_NAME,
    version,
    ...(alias !== CHART_NAME && { alias }),
  }));
  await mkdir(join(path, 'charts'));
  await symlink(CHART, join(path, 'charts', CHART_NAME));
  // JSON is YAML.
  const chart = { apiVersion: 'v2', name: 'platform', version: '1.0.0', dependencies };
  await writeFile(join(path, 'Chart.yaml'), JSON.stringify(chart));
  await writeFile(join(path, 'values.yaml'), JSON.stringify({ global, ...parts }));
  return { path, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}

export interface PartOptions extends RenderOptions {
  /** What the other chart calls this one. */
  alias?: string;
  /** The other chart's `global`. */
  global?: object;
}

/** What the chart makes as a part of another chart, whose values.yaml has the values. */
export async function renderPart({
  alias = CHART_NAME,
  global,
  values = {},
  ...options
}: PartOptions): Promise<Manifest[]> {
  await using wrapper = await wrapperChart({ [alias]: values }, global);
  // Awaited: the chart is gone when this returns.
  return await render({ ...options, chart: wrapper.path });
}
