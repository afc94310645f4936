import { abortable } from '../../abortable.ts';
import { type CatalogEntry, incompleteBecause } from '../../backup/catalog.ts';
import type { Manifest } from '../../backup/manifest.ts';
import { readManifest } from '../../backup/recover.ts';
import { Failure } from '../../errors.ts';
import { FORECAST_NIGHTS, forecast, nightOf } from '../../forecast.ts';
import { AT_ONCE, inParallel } from '../../parallel.ts';
import { MOST_NIGHTS } from '../help.ts';
import type { OpenShelf } from '../shelf.ts';
import { nightsOf } from './nights.ts';
import type { History } from './words.ts';

type LeftOut = History['leftOut'][number];

/**
 * Reads the manifests of the latest backups, at most `MOST_NIGHTS` of them.
 * @returns what they tell, or why there is nothing to tell
 * @throws Failure `backup` where there are backups and not one manifest can be used; what the signal says
 */
export async function readHistory(
  shelf: OpenShelf,
  last: number,
  now: number,
  signal: AbortSignal,
): Promise<History | string> {
  const complete = shelf.entries.filter((entry) => incompleteBecause(entry) === undefined);
  if (complete.length === 0) return `there is no complete backup in ${shelf.store.location}`;
  // One more than is shown: the first of them has a night before, too. And no fewer than a run's own forecast.
  const most = Math.min(MOST_NIGHTS, Math.max(last + 1, FORECAST_NIGHTS));
  const { manifests, leftOut } = await readManifests(shelf, complete.slice(0, most), signal);
  const [first] = leftOut;
  if (manifests.length === 0 && first !== undefined)
    throw new Failure(
      'backup',
      `not one manifest in ${shelf.store.location} can be used: ${first.name}: ${first.problem}`,
    );
  const nights = nightsOf(manifests, now);
  const quota = nights.findLast(({ future }) => !future)?.quotaBytes;
  return {
    store: shelf.store.location,
    cluster: shelf.cluster,
    nights: nights.slice(-last),
    backups: complete.length,
    leftOut,
    forecast: forecast(manifests.flatMap(nightOf), quota, now),
    ...(quota !== undefined && { quotaBytes: quota }),
  };
}

/** One manifest that cannot be used says nothing about the others. */
async function readManifests(
  shelf: OpenShelf,
  entries: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<{ manifests: Manifest[]; leftOut: LeftOut[] }> {
  const read = await inParallel(entries, AT_ONCE, async (entry): Promise<Manifest | LeftOut> => {
    signal.throwIfAborted();
    try {
      return await abortable(readManifest(shelf, entry), signal);
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
