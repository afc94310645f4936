import { newestOfEach, stretchesOf } from '../backup/latest.ts';
import { isComplete, readCatalog } from '../backup/catalog.ts';
import type { Store } from '../storage/store.ts';
import type { Config } from '../config/config.ts';
import { isBug, messageOf } from '../errors.ts';
import type { ClusterClient } from '../etcd/cluster/discover.ts';
import { countObjects } from '../etcd/cluster/objects.ts';
import { votersOf } from '../etcd/types.ts';
import { FORECAST_RUNS, forecast, pastRunOf } from '../history/forecast.ts';
import { type PastManifest, readPast } from '../history/read.ts';
import type { Log } from '../log.ts';
import { untoldQuotas } from '../plan/members.ts';
import { abortable } from '../util/abortable.ts';
import { objectsIn, objectsReport } from './objects.ts';
import type { ObjectsReport, RunState } from './state.ts';

/** What is read for those who look at the report alone. It changes nothing, and what fails is a warning. */

const TIMEOUT_MS = 30_000;
/** So many backups that cannot be used are named in the log. */
const NAMED = 50;

interface StatisticsInput {
  config: Pick<Config, 'objectCounts' | 'objectPrefix' | 'quotaBytes'>;
  client: ClusterClient;
  store: Store;
  clusterName: string;
  log: Log;
  signal: AbortSignal;
}

/** Counts the objects of the member that was backed up, and forecasts by the backups of earlier runs. */
export async function readStatistics(state: RunState, input: StatisticsInput): Promise<void> {
  await attempt(state, input, 'objects were not counted', async (signal) => {
    const objects = await countedObjects(state, input, signal);
    if (objects) state.objects = objects;
  });
  await attempt(
    state,
    input,
    'earlier backups were not looked at, so there is no forecast',
    async (signal) => {
      const past = await readOwnPast(state, input, signal);
      const quota = smallestQuota(state);
      // A day until an assumed quota would be a day until a guess.
      if (quota === undefined && isUntold(state, input)) return;
      state.forecast = forecast(past.flatMap(pastRunOf), quota, Date.now());
    },
  );
}

async function attempt(
  { warnings }: RunState,
  { signal, log }: StatisticsInput,
  failure: string,
  read: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await read(AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (isBug(error)) throw error;
    const reason = timeout.aborted ? `it took longer than ${TIMEOUT_MS / 1000} s` : messageOf(error);
    warnings.push(`${failure}: ${reason}`);
    log.warn({ reason }, failure);
  }
}

/** The manifests of this cluster's newest backups. What else is found beside them is told. */
async function readOwnPast(
  { warnings }: RunState,
  { client, clusterName, store, log }: StatisticsInput,
  signal: AbortSignal,
): Promise<PastManifest[]> {
  const repository = { store: store.within(signal), cluster: clusterName };
  const complete = (await readCatalog(repository.store)).filter(isComplete);
  const { backups, leftOut } = await readPast(repository, complete, FORECAST_RUNS);
  for (const { name, problem } of leftOut.slice(0, NAMED))
    log.warn({ backup: name, reason: problem }, 'backup left out of the forecast');
  const others = newestOfEach(stretchesOf(backups)).filter(({ clusterId }) => clusterId !== client.id);
  for (const { clusterId, newest } of others) warnings.push(otherCluster(clusterId, newest, store));
  return backups.flatMap(({ manifest }) => (manifest.cluster.id === client.id ? manifest : []));
}

const otherCluster = (id: string, newest: string, { location }: Store): string =>
  `${location} also has backups of a cluster with the ID ${id}, say ${newest}: they are neither counted nor deleted. If ` +
  'that cluster still runs, give each of the two a CLUSTER_NAME of its own; if this one was made anew, move them away';

/** What the backup was seen to hold; where nobody looked inside it, the member is asked. */
async function countedObjects(
  { backup, usage }: RunState,
  { config, client }: StatisticsInput,
  signal: AbortSignal,
): Promise<ObjectsReport | undefined> {
  if (!config.objectCounts) return undefined;
  if (usage !== undefined) return objectsReport(objectsIn(usage));
  const connection = backup && client.connections.get(backup.member.id);
  if (connection === undefined) return undefined;
  return objectsReport(await abortable(countObjects(connection, config.objectPrefix), signal));
}

/** The quota that is reached first; undefined where no voting member has one, or none is known. */
function smallestQuota({ clusterStatus, quotas }: RunState): number | undefined {
  const voters = clusterStatus ? votersOf(clusterStatus) : [];
  const known = voters.flatMap(({ id }) => quotas.get(id) ?? []);
  return known.length > 0 ? Math.min(...known) : undefined;
}

const isUntold = ({ clusterStatus }: RunState, { config }: StatisticsInput): boolean =>
  clusterStatus !== undefined && untoldQuotas(clusterStatus, config).length > 0;
