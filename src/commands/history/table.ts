import { formatBytes } from '../../util/format.ts';
import { formatTable, line } from '../output.ts';
import type { History } from './read.ts';
import { type HistoryRun, notesOf } from '../../history/runs.ts';
import { sparkline } from './sparkline.ts';
import { cellsOf, formatForecast, formatLargest, HEADS } from './text.ts';

/** More do not fit beside their legend on a wide terminal. */
const SPARKS = 100;

/** The history for a terminal, newest run last: that is where the eye is when it has been printed. */
export function formatHistory(history: History): string {
  const { nights: runs } = history;
  const head = [...Object.values(HEADS), 'Notes'].map((text) => text.toUpperCase());
  const rows = runs.map((run) => [...Object.values(cellsOf(run)), notesOf(run).join('; ')]);
  return [
    formatTable([head, ...rows]),
    '\n',
    formatTable([
      ['SIZE', ...sparkOf(runs, ({ rawBytes }) => rawBytes)],
      ['IN USE', ...sparkOf(runs, ({ inUseBytes }) => inUseBytes)],
    ]),
    '\n',
    ...[formatLargest(runs), formatForecast(history)].flatMap((text) =>
      text === undefined ? [] : line(text),
    ),
  ].join('');
}

function sparkOf(runs: readonly HistoryRun[], pick: (run: HistoryRun) => number | undefined): string[] {
  const dated = runs.filter(({ future }) => !future);
  const shown = dated.slice(-SPARKS);
  const values = shown.map(pick);
  const known = values.filter((value) => value !== undefined);
  const newest = known.at(-1);
  if (newest === undefined) return ['', 'not known'];
  const sparks = sparkline(shown.map((run, index) => ({ ...run, value: values[index] })));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const count = shown.length < dated.length ? `, the newest ${shown.length} nights` : '';
  return [sparks, `${formatBytes(least)} to ${formatBytes(most)}, at last ${formatBytes(newest)}${count}`];
}
