import type { Registry } from 'prom-client';
import { post, type Way } from './post.ts';

/** What the gateway keeps apart. */
export interface Group {
  job: string;
  cluster: string;
}

/**
 * Pushes into the group of a job and cluster. By POST, which replaces the metrics that it brings and leaves the
 * others: a failed run must not erase the last success (prometheus/pushgateway, README, "API").
 */
export async function pushMetrics(
  gateway: URL,
  registry: Registry,
  { job, cluster }: Group,
  way: Way,
): Promise<void> {
  const url = new URL(gateway);
  url.pathname = `${gateway.pathname.replace(/\/+$/, '')}/metrics/job/${job}/cluster/${encodeURIComponent(cluster)}`;
  await post({ url, body: await registry.metrics(), contentType: registry.contentType }, way);
}
