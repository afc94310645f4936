import { type HistoryRun, runsOf } from '../../src/history/runs.ts';
import { DAY, type ManifestChanges, inventedManifest } from '../commands/invented-manifests.ts';

export const NOW = Date.UTC(2026, 10, 22, 8);

/** One night a day up to the day before now, 1000 revisions each; what a night is to be different in, by its number. */
export const nightly = (
  count: number,
  changes: Record<number, Partial<ManifestChanges>> = {},
): HistoryRun[] =>
  runsOf(
    Array.from({ length: count }, (_, night) =>
      inventedManifest({ at: NOW - (count - night) * DAY, revision: 1000 * (night + 1), ...changes[night] }),
    ),
    NOW,
  );
