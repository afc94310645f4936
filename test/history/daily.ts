import { type HistoryRun, runsOf } from '../../src/history/runs.ts';
import { DAY, type ManifestChanges, inventedManifest } from '../commands/invented-manifests.ts';

export const NOW = Date.UTC(2026, 10, 22, 8);

/** One run a day up to the day before now, 1000 revisions each; what a run is to be different in, by its number. */
export const daily = (count: number, changes: Record<number, Partial<ManifestChanges>> = {}): HistoryRun[] =>
  runsOf(
    Array.from({ length: count }, (_, run) =>
      inventedManifest({ at: NOW - (count - run) * DAY, revision: 1000 * (run + 1), ...changes[run] }),
    ),
    NOW,
  );
