import { abortable } from '../util/abortable.ts';
import { readManifests } from '../history/read.ts';
import { boundedBy } from '../storage/bounded.ts';
import type { Store } from '../storage/store.ts';
import { isBug, messageOf } from '../errors.ts';
import { countObjects, type ObjectCounts } from '../etcd/cluster/objects.ts';
import { votersOf } from '../etcd/types.ts';
import { FORECAST_RUNS, forecast, pastRunOf } from '../history/forecast.ts';
import type { ObjectsReport } from './report.ts';
import type { Work } from '../work.ts';

/** What is looked at for those who read the report alone. It changes nothing, and what fails is a warning. */

const TIMEOUT_MS = 30_000;
/** So many resources are named in the report, and in the metrics. */
const NAMED = 50;

/** Counts the objects on the member that was backed up, and looks at earlier nights. */
export async function lookAround(work: Work, store: Store): Promise<void> {
  await attempt(work, 'objects were not counted', (signal) => lookAtObjects(work, signal));
  await attempt(work, 'earlier backups were not looked at, so there is no forecast', (signal) =>
    lookAtNights(work, boundedBy(signal, store)),
  );
}

async function attempt(
  { signal, night, log }: Work,
  what: string,
  look: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await look(AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (isBug(error)) throw error;
    const why = timeout.aborted ? `it took longer than ${TIMEOUT_MS / 1000} s` : messageOf(error);
    night.warnings.push(`${what}: ${why}`);
    log.warn({ reason: why }, what);
  }
}

async function lookAtObjects({ config, cluster, plan, night }: Work, signal: AbortSignal): Promise<void> {
  const connection = plan.backup.from && cluster.connections.get(plan.backup.from.id);
  if (config.objectPrefix === undefined || connection === undefined) return;
  night.objects = reportOf(await abortable(countObjects(connection, config.objectPrefix), signal));
}

function reportOf({ byResource, total }: ObjectCounts): ObjectsReport {
  const largest = [...byResource].toSorted(([, a], [, b]) => b - a).slice(0, NAMED);
  const events = byResource.get('events') ?? 0;
  return {
    total,
    byResource: Object.fromEntries(largest),
    ...(events > total / 2 && {
      note: `${Math.floor((events / total) * 100)} % of all objects are Events: kube-apiserver's --event-ttl says how long they stay (1h unless set), and --etcd-servers-overrides can keep them in an etcd of their own`,
    }),
  };
}

async function lookAtNights({ night, view }: Work, store: Store): Promise<void> {
  const quotas = votersOf(view).flatMap(({ id }) => night.quotas.get(id) ?? []);
  const smallest = quotas.length > 0 ? Math.min(...quotas) : undefined;
  const manifests = await readManifests(store, FORECAST_RUNS);
  night.forecast = forecast(manifests.flatMap(pastRunOf), smallest, Date.now());
}
