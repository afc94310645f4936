import type { SinksConfig } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import { gaugesOf, type Metric, type Value } from './gauges.ts';
import { SINK_TIMEOUT_MS } from './post.ts';
import { pushMetrics } from './pushgateway.ts';

/** What a drill tells Prometheus. */
export interface DrillFigures {
  readonly exitCode: number;
  /** from the beginning of the fetch to the first answer of the restored member */
  readonly wayBackSeconds?: number | undefined;
  /** what an API server made of them, where there was one */
  readonly resources: readonly DrilledResource[];
}

interface DrilledResource {
  readonly resource: string;
  readonly stored: number;
  readonly served?: number;
  readonly unreadable?: { readonly count: number };
}

/** More series would cost more than they tell. */
const NAMED = 50;
const JOB = 'etcd-upkeep-drill';

const METRICS: readonly Metric<DrillFigures>[] = [
  {
    name: 'drill_last_run_timestamp_seconds',
    help: 'When the last drill ended, whatever came of it.',
    values: (_, now) => [[now]],
  },
  {
    name: 'drill_last_success_timestamp_seconds',
    help: 'When the last drill ended that exited with 0.',
    values: ({ exitCode }, now) => [[exitCode === 0 ? now : undefined]],
  },
  {
    name: 'drill_last_exit_code',
    help: 'Exit code of the last drill.',
    values: ({ exitCode }) => [[exitCode]],
  },
  {
    name: 'drill_way_back_seconds',
    help: 'From the beginning of the fetch to the first answer of the restored member.',
    values: ({ wayBackSeconds }) => [[wayBackSeconds]],
  },
  {
    name: 'drill_stored_objects',
    help: 'Objects in the restored etcd, by resource; the largest only.',
    values: eachResource(({ stored }) => stored),
  },
  {
    name: 'drill_served_objects',
    help: 'Objects that an API server on it served, by resource.',
    values: eachResource(({ served }) => served),
  },
  {
    name: 'drill_unreadable_objects',
    help: 'Objects that it could not read, by resource.',
    values: eachResource(({ unreadable }) => unreadable?.count ?? 0),
  },
];

function eachResource(valueOf: (one: DrilledResource) => number | undefined): Metric<DrillFigures>['values'] {
  return ({ resources }) =>
    resources
      .toSorted((a, b) => (b.unreadable?.count ?? 0) - (a.unreadable?.count ?? 0) || b.stored - a.stored)
      .slice(0, NAMED)
      .map((one): Value => [valueOf(one), { resource: one.resource }]);
}

/** Tells the Pushgateway, where there is one. @returns why it was not told, in words, where it was not */
export async function tellOfDrill(
  figures: DrillFigures,
  cluster: string,
  { pushgatewayUrl, proxies }: SinksConfig,
  ending: AbortSignal,
): Promise<string | undefined> {
  if (pushgatewayUrl === undefined) return undefined;
  const signal = AbortSignal.any([AbortSignal.timeout(SINK_TIMEOUT_MS), ending]);
  try {
    const registry = gaugesOf(METRICS, figures, cluster, new Date());
    await pushMetrics(pushgatewayUrl, registry, { job: JOB, cluster }, { signal, proxies });
    return undefined;
  } catch (error) {
    return `not told of this drill: METRICS_PUSHGATEWAY_URL: ${messageOf(error)}`;
  }
}
