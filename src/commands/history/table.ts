import { sizeText, table } from '../../util/format.ts';
import { type HistoryRun, notesOf } from './runs.ts';
import { sparkline } from './sparkline.ts';
import { cellsOf, forecastText, HEADS, type History } from './text.ts';

/** More do not fit beside their legend on a wide terminal. */
const SPARKS = 100;

/** The history for a terminal, newest night last: that is where the eye is when it has been printed. */
export function tableOf(history: History): string {
  const { nights } = history;
  const head = [...Object.values(HEADS), 'Notes'].map((text) => text.toUpperCase());
  const rows = nights.map((night) => [...Object.values(cellsOf(night)), oneLine(notesOf(night).join('; '))]);
  return [
    table([head, ...rows]),
    '\n',
    table([
      ['SIZE', ...sparkOf(nights, ({ rawBytes }) => rawBytes)],
      ['IN USE', ...sparkOf(nights, ({ inUseBytes }) => inUseBytes)],
    ]),
    '\n',
    `${forecastText(history)}\n`,
  ].join('');
}

function sparkOf(nights: readonly HistoryRun[], pick: (night: HistoryRun) => number | undefined): string[] {
  const dated = nights.filter(({ future }) => !future);
  const shown = dated.slice(-SPARKS);
  const values = shown.map(pick);
  const known = values.filter((value) => value !== undefined);
  const newest = known.at(-1);
  if (newest === undefined) return ['', 'not known'];
  const line = sparkline(shown.map((night, index) => ({ ...night, value: values[index] })));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const count = shown.length < dated.length ? `, the newest ${shown.length} nights` : '';
  return [line, `${sizeText(least)} to ${sizeText(most)}, at last ${sizeText(newest)}${count}`];
}

/** Problems are what others wrote: no line breaks, and nothing that a terminal would obey. */
const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ');
