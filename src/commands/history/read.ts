import { Failure } from '../../errors.ts';
import { type Forecast, FORECAST_RUNS, forecast, pastRunOf } from '../../history/forecast.ts';
import { isComplete } from '../../backup/catalog.ts';
import { type LeftOut, readPast } from '../../history/read.ts';
import { type HistoryRun, runsOf } from '../../history/runs.ts';
import { MOST_RUNS } from '../help.ts';
import type { ListedRepository } from '../repository.ts';

/** What the history knows, whatever it is printed as; `-o json` prints it as it is. */
export interface History {
  /** for a person */
  store: string;
  cluster: string;
  /** The runs, as the output calls them: oldest first, those dated after now last; only so many as were asked for. */
  nights: readonly HistoryRun[];
  /** complete backups in the store */
  backups: number;
  leftOut: readonly LeftOut[];
  forecast: Forecast;
  /** what the forecast goes by */
  quotaBytes?: number;
}

/**
 * Reads the manifests of the latest backups, at most `MOST_RUNS` of them.
 * @returns what they tell, or why there is nothing to tell
 * @throws Failure `backup` where there are backups and not one manifest can be used
 */
export async function readHistory(
  repository: ListedRepository,
  last: number,
  now: number,
): Promise<History | string> {
  const complete = repository.entries.filter(isComplete);
  if (complete.length === 0) return `there is no complete backup in ${repository.store.location}`;
  // One more than is shown: the first of them has a run before it, too. And no fewer than a run's own forecast reads.
  const most = Math.min(MOST_RUNS, Math.max(last + 1, FORECAST_RUNS));
  const { backups, leftOut } = await readPast(repository, complete, most);
  const manifests = backups.map(({ manifest }) => manifest);
  const [first] = leftOut;
  if (manifests.length === 0 && first !== undefined)
    throw new Failure(
      'backup',
      `not one manifest in ${repository.store.location} can be used: ${first.name}: ${first.problem}`,
    );
  const runs = runsOf(manifests, now);
  const quota = runs.findLast(({ future }) => !future)?.quotaBytes;
  return {
    store: repository.store.location,
    cluster: repository.cluster,
    nights: runs.slice(-last),
    backups: complete.length,
    leftOut,
    forecast: forecast(manifests.flatMap(pastRunOf), quota, now),
    ...(quota !== undefined && { quotaBytes: quota }),
  };
}
