import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { plainEnv, runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { helm } from '../support/tools.ts';
import { CHART, type Manifest, type RenderOptions } from './chart.ts';

export interface PartOptions extends RenderOptions {
  /** What the other chart calls this one. */
  alias?: string;
  /** The other chart's `global`. */
  global?: object;
}

/** What the chart makes as a part of another chart, whose values.yaml has the values. */
export async function renderPart(options: PartOptions = {}): Promise<Manifest[]> {
  const {
    helm: version = '4.3',
    release = 'etcd-upkeep',
    alias = 'etcd-upkeep',
    global = {},
    values = {},
  } = options;
  await using scratch = await scratchFolder('part');
  const { path } = scratch;
  const dependencies = [{ name: 'etcd-upkeep', version: '>=0.0.0-0', alias }];
  await mkdir(join(path, 'charts'));
  await cp(CHART, join(path, 'charts/etcd-upkeep'), { recursive: true });
  const chart = { apiVersion: 'v2', name: 'platform', version: '1.0.0', dependencies };
  // JSON is YAML.
  await writeFile(join(path, 'Chart.yaml'), JSON.stringify(chart));
  await writeFile(join(path, 'values.yaml'), JSON.stringify({ global, [alias]: values }));
  const args = ['template', release, path, '--namespace', 'kube-system'];
  const text = await runProgram(await helm(version), args, { env: plainEnv() });
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());
}
