import { formatByteRate, formatBytes, formatCount, formatDuration, formatTime } from '../../util/format.ts';
import { figures } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import { type HistoryRun, notesOf } from '../../history/runs.ts';
import type { History } from './read.ts';
import { STYLE } from './style.ts';
import { cellsOf, formatForecast, formatLargest, HEADS, formatRuns, quotaShare } from './text.ts';

/** The history as one page that needs nothing else: no script, no font, no image from anywhere. */
export function pageOf(history: History, now: Date): string {
  const { cluster, store, nights: runs, leftOut } = history;
  const dated = runs.filter(({ future }) => !future);
  return documentOf(
    `${cluster}: backups of etcd`,
    markup`<h1>${cluster}</h1>
<p class="soft">${formatRuns(runs.length)} of etcd, by its backups in ${store}, as of ${formatTime(now)} UTC</p>
${dated.length > 0 ? tilesOf(dated) : undefined}
${[formatLargest(runs), formatForecast(history)].flatMap((text) =>
  text === undefined
    ? []
    : markup`<p>${sentence(text)}</p>
`,
)}<p class="soft">${legendOf(dated)}</p>
${dated.length > 0 ? figures(dated) : undefined}
${restartsOf(dated)}
<h2 class="table">Night by night</h2>
<div class="wide">${runTable(runs)}</div>
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

/** A figure with its name and a remark; undefined is not known. */
type Tile = readonly [name: string, figure: string | undefined, remark: string | undefined];

/** The figures of the newest run, those that are known. */
function tilesOf(runs: readonly HistoryRun[]): Markup {
  const newest = runs.at(-1);
  if (newest === undefined) return markup``;
  const tiles = [timeTile(newest), ...sizeTiles(newest), revisionsTile(newest, runs), durationTile(newest)];
  const shown = tiles.filter(([, figure]) => figure !== undefined);
  return markup`<dl>${shown.map(([name, figure, remark]) => markup`<div><dt>${name}</dt><dd>${figure}<small>${remark}</small></dd></div>`)}</dl>`;
}

function timeTile({ time, storedBytes }: HistoryRun): Tile {
  const [day, clock] = formatTime(new Date(time)).split(' ');
  return ['Last backup', day, `${clock} UTC, ${formatBytes(storedBytes)} stored`];
}

function sizeTiles(run: HistoryRun): Tile[] {
  const { rawBytes, inUseBytes, quotaBytes = 0 } = run;
  const share = quotaShare(run);
  const quota = share && `${share} of the quota of ${formatBytes(quotaBytes)}`;
  const file: Tile = ['Database file', formatBytes(rawBytes), quota];
  if (inUseBytes === undefined) return [file];
  const free = Math.max(0, rawBytes - inUseBytes);
  return [file, ['In use', formatBytes(inUseBytes), `${formatBytes(free)} could be freed`]];
}

function revisionsTile({ revisionsPerDay }: HistoryRun, runs: readonly HistoryRun[]): Tile {
  const lastKnown = runs.findLast((run) => run.revisionsPerDay !== undefined)?.revisionsPerDay;
  const remark = revisionsPerDay === undefined ? 'when last known' : 'since the night before';
  return ['Revisions a day', formatKnown(lastKnown, formatCount), remark];
}

const durationTile = ({ seconds, bytesPerSecond }: HistoryRun): Tile => [
  'The backup took',
  formatKnown(seconds, formatDuration),
  formatKnown(bytesPerSecond, formatByteRate),
];

const formatKnown = (value: number | undefined, format: (value: number) => string): string | undefined =>
  value === undefined ? undefined : format(value);

/** What the marks in the plots mean, where there are any. */
function legendOf(runs: readonly HistoryRun[]): string {
  const marks: [boolean, string][] = [
    [
      runs.some(({ gapDays }) => gapDays !== undefined),
      'Grey: no backup for so many days; long gaps are not to scale.',
    ],
    [
      runs.some(({ restart }) => restart !== undefined),
      'A numbered line: the figures begin anew, see below.',
    ],
    [runs.some(({ problems }) => problems.length > 0), 'A triangle: the cluster was not well.'],
  ];
  return marks.flatMap(([is, text]) => (is ? text : [])).join(' ');
}

/** What the numbered lines in the plots stand for. */
function restartsOf(runs: readonly HistoryRun[]): Markup {
  const restarts = runs.filter(({ restart }) => restart !== undefined);
  if (restarts.length === 0) return markup``;
  return markup`<h2 class="table">Where the figures begin anew</h2>
<ol>${restarts.map(({ time, restart }) => markup`<li>before ${formatTime(new Date(time))}: ${restart}</li>`)}</ol>`;
}

/** Newest first: a page is read from its top. */
function runTable(runs: readonly HistoryRun[]): Markup {
  const heads = [...Object.values(HEADS), 'Notes'];
  return markup`<table>
<thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${runs.toReversed().map(
  (
    run,
  ) => markup`<tr${run.future && markup` class="future"`}>${Object.values(cellsOf(run)).map((cell) => markup`<td>${cell}</td>`)}<td>${notesOf(run).join('; ')}</td></tr>
`,
)}</tbody>
</table>`;
}
