import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForHttp } from './wait-for-http.ts';
import { endProcess, guardProcess } from './process-guard.ts';
import { freePort } from './free-port.ts';
import { plainEnv } from './run-program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { prometheus } from './tools.ts';

export interface PrometheusOptions {
  /** URL by the name of the job; `/metrics` is what is read of each. */
  jobs: Record<string, string>;
  /** As in a file of rules. */
  rules?: object;
}

export interface Sample {
  metric: Record<string, string>;
  value: number;
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing';
}

/** A real Prometheus on this machine that scrapes every 0.2 s. */
export interface Prometheus extends AsyncDisposable {
  /** @throws with what Prometheus says against the query */
  query(expr: string): Promise<Sample[]>;
  /** The last minute; each series with its last value. */
  queryRange(expr: string): Promise<Sample[]>;
  labelValues(metric: string, label: string): Promise<string[]>;
  alerts(): Promise<Alert[]>;
}

const INTERVAL = '200ms';

export async function startPrometheus({ jobs, rules }: PrometheusOptions): Promise<Prometheus> {
  const scratch = await scratchFolder('prometheus');
  const address = `127.0.0.1:${await freePort()}`;
  const config = {
    global: { scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL },
    ...(rules && { rule_files: ['rules.json'] }),
    scrape_configs: Object.entries(jobs).map(([name, url]) => ({
      job_name: name,
      honor_labels: true,
      static_configs: [{ targets: [new URL(url).host] }],
    })),
  };
  // JSON is YAML too.
  await writeFile(join(scratch.path, 'prometheus.yml'), JSON.stringify(config));
  if (rules) await writeFile(join(scratch.path, 'rules.json'), JSON.stringify(rules));
  const child = spawn(
    await prometheus(),
    ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=${address}`],
    { cwd: scratch.path, env: plainEnv(), stdio: 'ignore' },
  );
  guardProcess(child);
  const url = `http://${address}`;
  await waitForHttp(`${url}/-/ready`);

  /** In Prometheus' own form: https://prometheus.io/docs/prometheus/latest/querying/api/ */
  async function ask<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const asked = `${path}?${new URLSearchParams(parameters).toString()}`;
    const text = await (await fetch(`${url}/api/v1/${asked}`)).text();
    const { status, data, error }: { status: string; data: T; error?: string } = JSON.parse(text);
    if (status !== 'success') throw new Error(`${asked}: ${error}`);
    return data;
  }

  return {
    async query(expr) {
      const { result } = await ask<{ result: { metric: Sample['metric']; value: [number, string] }[] }>(
        'query',
        {
          query: expr,
        },
      );
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async queryRange(expr) {
      const now = Date.now() / 1000;
      const { result } = await ask<{ result: { metric: Sample['metric']; values: [number, string][] }[] }>(
        'query_range',
        { query: expr, start: String(now - 60), end: String(now), step: '1' },
      );
      return result.map(({ metric, values }) => ({ metric, value: Number(values.at(-1)?.[1]) }));
    },
    labelValues: (metric, label) => ask<string[]>(`label/${label}/values`, { 'match[]': metric }),
    alerts: async () => (await ask<{ alerts: Alert[] }>('alerts')).alerts,
    [Symbol.asyncDispose]: async () => {
      await endProcess(child, 'SIGKILL');
      await scratch[Symbol.asyncDispose]();
    },
  };
}
