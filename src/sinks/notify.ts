import type { SinksConfig } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import type { Report } from '../run/report.ts';
import { sendHeartbeat } from './heartbeat.ts';

/**
 * Sends the report to every sink that there is, all at once. What fails is no failure of the run: it comes back in
 * words, for the report, and nothing is thrown.
 */
export async function notifySinks(report: Report, sinks: SinksConfig): Promise<string[]> {
  const { pushgatewayUrl, textfile, heartbeatUrl } = sinks;
  const failures = await Promise.all([
    attempt('HEARTBEAT_URL', async () => heartbeatUrl && sendHeartbeat(heartbeatUrl, report)),
    attempt('METRICS_PUSHGATEWAY_URL', async () => pushgatewayUrl && push(pushgatewayUrl, report)),
    attempt('METRICS_TEXTFILE', async () => textfile && write(textfile, report)),
  ]);
  return failures.flatMap((failure) => failure ?? []);
}

async function attempt(variable: string, notify: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await notify();
    return undefined;
  } catch (error) {
    return `not told of this run: ${variable}: ${messageOf(error)}`;
  }
}

// prom-client is loaded only where somebody takes metrics.

async function push(gateway: URL, report: Report): Promise<void> {
  const { pushMetrics } = await import('./pushgateway.ts');
  await pushMetrics(gateway, await metricsFor(report), clusterOf(report));
}

async function write(textfile: string, report: Report): Promise<void> {
  const { writeTextfile } = await import('./textfile.ts');
  await writeTextfile(textfile, await metricsFor(report));
}

async function metricsFor(report: Report) {
  const { metricsOf } = await import('./metrics.ts');
  return metricsOf(report, clusterOf(report), new Date());
}

function clusterOf({ cluster }: Report): string {
  if (cluster !== undefined) return cluster;
  throw new Error('the run did not get to know the cluster, and CLUSTER_NAME is not set to name it');
}
