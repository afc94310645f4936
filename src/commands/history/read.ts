import { abortable } from '../../util/abortable.ts';
import { type CatalogEntry, incompleteBecause } from '../../backup/catalog.ts';
import type { Manifest } from '../../backup/manifest.ts';
import { readManifest } from '../../backup/recover.ts';
import { Failure } from '../../errors.ts';
import { FORECAST_RUNS, forecast, pastRunOf } from '../../history/forecast.ts';
import { AT_ONCE, inParallel } from '../../util/parallel.ts';
import { MOST_RUNS } from '../help.ts';
import type { OpenRepository } from '../repository.ts';
import { runsOf } from './runs.ts';
import type { History } from './text.ts';

type LeftOut = History['leftOut'][number];

/**
 * Reads the manifests of the latest backups, at most `MOST_RUNS` of them.
 * @returns what they tell, or why there is nothing to tell
 * @throws Failure `backup` where there are backups and not one manifest can be used; what the signal says
 */
export async function readHistory(
  repository: OpenRepository,
  last: number,
  now: number,
  signal: AbortSignal,
): Promise<History | string> {
  const complete = repository.entries.filter((entry) => incompleteBecause(entry) === undefined);
  if (complete.length === 0) return `there is no complete backup in ${repository.store.location}`;
  // One more than is shown: the first of them has a night before, too. And no fewer than a run's own forecast.
  const most = Math.min(MOST_RUNS, Math.max(last + 1, FORECAST_RUNS));
  const { manifests, leftOut } = await readManifests(repository, complete.slice(0, most), signal);
  const [first] = leftOut;
  if (manifests.length === 0 && first !== undefined)
    throw new Failure(
      'backup',
      `not one manifest in ${repository.store.location} can be used: ${first.name}: ${first.problem}`,
    );
  const nights = runsOf(manifests, now);
  const quota = nights.findLast(({ future }) => !future)?.quotaBytes;
  return {
    store: repository.store.location,
    cluster: repository.cluster,
    nights: nights.slice(-last),
    backups: complete.length,
    leftOut,
    forecast: forecast(manifests.flatMap(pastRunOf), quota, now),
    ...(quota !== undefined && { quotaBytes: quota }),
  };
}

/** One manifest that cannot be used says nothing about the others. */
async function readManifests(
  repository: OpenRepository,
  entries: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<{ manifests: Manifest[]; leftOut: LeftOut[] }> {
  const read = await inParallel(entries, AT_ONCE, async (entry): Promise<Manifest | LeftOut> => {
    signal.throwIfAborted();
    try {
      return await abortable(readManifest(repository, entry), signal);
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'backup') throw error;
      return { name: entry.name, problem: error.message };
    }
  });
  return {
    manifests: read.flatMap((one) => ('problem' in one ? [] : one)),
    leftOut: read.flatMap((one) => ('problem' in one ? one : [])),
  };
}
