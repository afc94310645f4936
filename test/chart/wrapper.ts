import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { helm, type HelmVersion } from '../support/tools.ts';
import { CHART } from './chart.ts';
import type { Values } from './values.ts';

export const CHART_NAME = 'etcd-upkeep';

export interface Wrapper extends AsyncDisposable {
  /** The folder of the chart. */
  readonly path: string;
}

/**
 * A chart of somebody else that has this one as a part, or several times: a part's name is an alias where it is not the
 * chart's own. Its values.yaml holds theirs, and helm brings the chart into it from this checkout.
 */
export async function wrapperChart(version: HelmVersion, parts: Record<string, Values>): Promise<Wrapper> {
  const scratch = await scratchFolder('wrapper');
  const path = join(scratch.path, 'platform');
  const part = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
  const dependencies = Object.keys(parts).map((alias) => ({
    name: CHART_NAME,
    version: part.version,
    repository: `file://${CHART}`,
    ...(alias !== CHART_NAME && { alias }),
  }));
  await mkdir(path);
  // JSON is YAML.
  await writeFile(
    join(path, 'Chart.yaml'),
    JSON.stringify({ apiVersion: 'v2', name: 'platform', version: '1.0.0', dependencies }),
  );
  await writeFile(join(path, 'values.yaml'), JSON.stringify(parts));
  // No repository of the machine's own is asked.
  const env = plainEnv({ HOME: scratch.path });
  await runProgram(await helm(version), ['dependency', 'update', path], { env });
  return { path, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}
