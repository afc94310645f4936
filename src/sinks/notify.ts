import type { SinksConfig } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import type { Report } from '../run/report.ts';
import { sendHeartbeat } from './heartbeat.ts';
import { SINK_TIMEOUT_MS, type Way } from './post.ts';

/**
 * Sends the report to every sink that there is, all at once, for ten seconds at the most. What fails is no failure of
 * the run: it comes back in words, for the report, and nothing is thrown. A run that is asked to end while it tells of
 * itself does not wait for the answers; one that was ended before still tells that.
 */
export async function notifySinks(
  report: Report,
  sinks: SinksConfig,
  ending: AbortSignal,
): Promise<string[]> {
  const timeout = AbortSignal.timeout(SINK_TIMEOUT_MS);
  const signal = ending.aborted ? timeout : AbortSignal.any([timeout, ending]);
  const { pushgatewayUrl, textfile, heartbeatUrl, proxies } = sinks;
  const way = { signal, proxies };
  const failures = await Promise.all([
    attempt('HEARTBEAT_URL', async () => heartbeatUrl && sendHeartbeat(heartbeatUrl, report, way)),
    attempt('METRICS_PUSHGATEWAY_URL', async () => pushgatewayUrl && push(pushgatewayUrl, report, way)),
    attempt('METRICS_TEXTFILE', async () => textfile && write(textfile, report, signal)),
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

async function push(gateway: URL, report: Report, way: Way): Promise<void> {
  const { pushMetrics } = await import('./pushgateway.ts');
  const group = { job: 'etcd-upkeep', cluster: clusterOf(report) };
  await pushMetrics(gateway, await metricsFor(report), group, way);
}

async function write(textfile: string, report: Report, signal: AbortSignal): Promise<void> {
  const { writeTextfile } = await import('./textfile.ts');
  await writeTextfile(textfile, await metricsFor(report), signal);
}

async function metricsFor(report: Report) {
  const { metricsOf } = await import('./metrics.ts');
  return metricsOf(report, clusterOf(report), new Date());
}

function clusterOf({ cluster }: Report): string {
  if (cluster !== undefined) return cluster;
  throw new Error('the run did not get to know the cluster, and CLUSTER_NAME is not set to name it');
}
