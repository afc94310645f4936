import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../support/run-program.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { promtool } from '../support/tools.ts';
import { type Manifest, type RenderOptions, render } from './chart.ts';

/** The chart's alerts, rendered, and what Prometheus' own checker makes of them. */

export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

export interface Rules {
  groups: { name: string; rules: Rule[] }[];
}

export async function rulesOf({ values, ...options }: RenderOptions = {}): Promise<Rules> {
  const on = { enabled: true, ...(values && 'prometheusRule' in values && Object(values.prometheusRule)) };
  const manifests = await render({ ...options, values: { ...values, prometheusRule: on } });
  const found = manifests.find(isPrometheusRule);
  if (found === undefined) throw new Error('the chart rendered no PrometheusRule');
  return found.spec;
}

function isPrometheusRule(manifest: Manifest): manifest is Manifest & { spec: Rules } {
  return manifest.kind === 'PrometheusRule';
}

/** Series as promtool writes them, one value every five minutes from 1970 on. */
export type Series = Record<string, string>;

export interface Case {
  series: Series;
  /** As Prometheus writes a duration, after the first value. */
  at: string;
  /** The labels of every alert of that name that is to fire then, but for the name itself. */
  firing: Record<string, string>[];
}

/**
 * promtool's `test rules`, for the rules of that name alone: it evaluates each at every step, and none asks for another.
 * @throws with what it says where other alerts fire than those of the case
 */
export async function assertAlerts(
  rules: Rules,
  alertname: string,
  { series, at, firing }: Case,
): Promise<void> {
  await using folder = await scratchFolder('rules');
  const write = (name: string, what: object) => writeFile(join(folder.path, name), JSON.stringify(what));
  await write('rules.json', { groups: rules.groups.map((group) => only(group, alertname)) });
  const expr = `ALERTS{alertstate="firing", alertname="${alertname}"}`;
  const samples = firing.map((labels) => {
    const all = { alertname, alertstate: 'firing', ...labels };
    return { labels: `ALERTS${JSON.stringify(all).replaceAll(/"(\w+)":/g, '$1=')}`, value: 1 };
  });
  await write('test.json', {
    rule_files: ['rules.json'],
    evaluation_interval: '5m',
    tests: [
      {
        interval: '5m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [{ expr, eval_time: at, exp_samples: samples }],
      },
    ],
  });
  await runProgram(await promtool(), ['test', 'rules', join(folder.path, 'test.json')]);
}

const only = ({ name, rules }: Rules['groups'][number], alertname: string): Rules['groups'][number] => ({
  name,
  rules: rules.filter(({ alert }) => alert === alertname),
});

/** promtool's `check rules`. */
export async function checkRules(rules: Rules): Promise<void> {
  await using folder = await scratchFolder('rules');
  const path = join(folder.path, 'rules.json');
  await writeFile(path, JSON.stringify(rules));
  await runProgram(await promtool(), ['check', 'rules', path]);
}
