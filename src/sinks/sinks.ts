import type { SinksConfig } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import type { Report } from '../run/report.ts';
import { beat } from './heartbeat.ts';

/**
 * Tells everybody who is to be told, all at once. What fails is no failure of the run: it comes back in words, for the
 * report, and nothing is thrown.
 */
export async function notifySinks(report: Report, sinks: SinksConfig): Promise<string[]> {
  const { pushgatewayUrl, textfile, heartbeatUrl } = sinks;
  const failures = await Promise.all([
    attempt('HEARTBEAT_URL', async () => heartbeatUrl && beat(heartbeatUrl, report)),
    attempt('METRICS_PUSHGATEWAY_URL', async () => {
      if (pushgatewayUrl === undefined) return;
      const { push } = await import('./pushgateway.ts');
      await push(pushgatewayUrl, await figuresOf(report), clusterOf(report));
    }),
    attempt('METRICS_TEXTFILE', async () => {
      if (textfile === undefined) return;
      const { writeTextfile } = await import('./textfile.ts');
      await writeTextfile(textfile, await figuresOf(report));
    }),
  ]);
  return failures.flatMap((failure) => failure ?? []);
}

/** prom-client is loaded only where there is somebody to tell. */
async function figuresOf(report: Report) {
  const { metricsOf } = await import('./metrics.ts');
  return metricsOf(report, clusterOf(report), new Date());
}

function clusterOf({ cluster }: Report): string {
  if (cluster !== undefined) return cluster;
  throw new Error('the run did not get to know the cluster, and CLUSTER_NAME is not set to name it');
}

async function attempt(variable: string, work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return `not told of this run: ${variable}: ${messageOf(error)}`;
  }
}
