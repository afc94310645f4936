import { sizeText, timeText } from '../../util/format.ts';
import { figures } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import { type HistoryRun, notesOf } from './runs.ts';
import { STYLE } from './style.ts';
import {
  cellsOf,
  countText,
  durationText,
  forecastText,
  HEADS,
  type History,
  runsText,
  quotaShare,
  speedText,
} from './text.ts';

/** The history as one page that needs nothing else: no script, no font, no image from anywhere. */
export function pageOf(history: History, now: Date): string {
  const { cluster, store, nights, leftOut } = history;
  const dated = nights.filter(({ future }) => !future);
  return documentOf(
    `${cluster}: backups of etcd`,
    markup`<h1>${cluster}</h1>
<p class="soft">${runsText(nights.length)} of etcd, by its backups in ${store}, as of ${timeText(now)} UTC</p>
${dated.length > 0 ? tilesOf(dated) : undefined}
<p>${sentence(forecastText(history))}</p>
<p class="soft">${legendOf(dated)}</p>
${dated.length > 0 ? figures(dated) : undefined}
${restartsOf(dated)}
<h2 class="table">Night by night</h2>
<div class="wide">${nightTable(nights)}</div>
${leftOut.map(({ name, problem }) => markup`<p class="soft">${name} is left out: ${problem}</p>`)}`,
  );
}

/** The page where there is nothing to show. @param why as a sentence */
export const emptyPage = (why: string): string =>
  documentOf('backups of etcd', markup`<h1>No backups</h1><p>${sentence(why)}</p>`);

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** The policy forbids what the page does without anyway: whatever a name smuggled in could load nothing. */
function documentOf(title: string, body: Markup): string {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
${body}
</body>
</html>
`;
  return page.markup;
}

function tilesOf(nights: readonly HistoryRun[]): Markup {
  const newest = nights.at(-1);
  const perDay = nights.findLast(({ revisionsPerDay }) => revisionsPerDay !== undefined)?.revisionsPerDay;
  if (newest === undefined) return markup``;
  const { rawBytes, inUseBytes, seconds, bytesPerSecond, quotaBytes, time, storedBytes } = newest;
  const share = quotaShare(newest);
  const [day, clock] = timeText(new Date(time)).split(' ');
  const tiles: [string, string | undefined, string | undefined][] = [
    ['Last backup', day, `${clock} UTC, ${sizeText(storedBytes)} stored`],
    ['Database file', sizeText(rawBytes), share && `${share} of the quota of ${sizeText(quotaBytes ?? 0)}`],
    [
      'In use',
      inUseBytes === undefined ? undefined : sizeText(inUseBytes),
      inUseBytes === undefined ? undefined : `${sizeText(Math.max(0, rawBytes - inUseBytes))} could be freed`,
    ],
    [
      'Revisions a day',
      perDay === undefined ? undefined : countText(perDay),
      newest.revisionsPerDay === undefined ? 'when last known' : 'since the night before',
    ],
    [
      'The backup took',
      seconds === undefined ? undefined : durationText(seconds),
      bytesPerSecond === undefined ? undefined : speedText(bytesPerSecond),
    ],
  ];
  const shown = tiles.filter(([, figure]) => figure !== undefined);
  return markup`<dl>${shown.map(([name, figure, more]) => markup`<div><dt>${name}</dt><dd>${figure}<small>${more}</small></dd></div>`)}</dl>`;
}

/** What the marks in the plots mean, where there are any. */
function legendOf(nights: readonly HistoryRun[]): string {
  const marks: [boolean, string][] = [
    [
      nights.some(({ gapDays }) => gapDays !== undefined),
      'Grey: no backup for so many days; long gaps are not to scale.',
    ],
    [
      nights.some(({ restart }) => restart !== undefined),
      'A numbered line: the figures begin anew, see below.',
    ],
    [nights.some(({ problems }) => problems.length > 0), 'A triangle: the cluster was not well.'],
  ];
  return marks.flatMap(([is, text]) => (is ? text : [])).join(' ');
}

/** What the numbered lines in the plots stand for. */
function restartsOf(nights: readonly HistoryRun[]): Markup {
  const restarts = nights.filter(({ restart }) => restart !== undefined);
  if (restarts.length === 0) return markup``;
  return markup`<h2 class="table">Where the figures begin anew</h2>
<ol>${restarts.map(({ time, restart }) => markup`<li>before ${timeText(new Date(time))}: ${restart}</li>`)}</ol>`;
}

/** Newest first: a page is read from its top. */
function nightTable(nights: readonly HistoryRun[]): Markup {
  const heads = [...Object.values(HEADS), 'Notes'];
  return markup`<table>
<thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${nights.toReversed().map(
  (
    night,
  ) => markup`<tr${night.future && markup` class="future"`}>${Object.values(cellsOf(night)).map((cell) => markup`<td>${cell}</td>`)}<td>${notesOf(night).join('; ')}</td></tr>
`,
)}</tbody>
</table>`;
}
