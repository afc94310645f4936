import { OTHER } from '../../bolt/usage/names.ts';
import { formatByteRate, formatBytes, formatCount, formatDuration, formatTime } from '../../util/format.ts';
import { type Markup, markup } from './markup.ts';
import { type HistoryRun, notesOf } from '../../history/runs.ts';
import { type Plot, plotOf } from './plot.ts';
import { type Filling, fillingsOf } from '../../history/usage.ts';
import { byteScale, countScale, durationScale, speedScale } from './scale.ts';
import type { Values } from './shapes.ts';
import { quotaShare } from './text.ts';

/** A quota so many times the file would press the lines to the floor: it is said in words then. */
const FAR_QUOTA = 4;

/** The plots, with what their lines are. @param runs at least one, none of them dated after now */
export function figures(runs: readonly HistoryRun[]): Markup[] {
  return [sizes(runs), ...filling(runs), revisions(runs), durations(runs), speeds(runs)];
}

function sizes(runs: readonly HistoryRun[]): Markup {
  const [raw, inUse, quota] = [
    runs.map(({ rawBytes }) => rawBytes),
    runs.map(({ inUseBytes }) => inUseBytes),
    runs.map(({ quotaBytes }) => quotaBytes),
  ];
  const [most, mostQuota] = [greatest([...raw, ...inUse]), greatest(quota)];
  const isFar = mostQuota > most * FAR_QUOTA;
  const lines = [
    { class: 'size', values: raw },
    { class: 'use', values: inUse },
  ];
  const quotaKey = isFar
    ? markup`<span class="key limit">quota of ${formatBytes(mostQuota)}, far above</span>`
    : markup`<span class="key limit">quota</span>`;
  return figure(
    {
      title: 'Size of the database',
      runs,
      scale: byteScale(isFar ? most : Math.max(most, mostQuota)),
      lines,
      ...(!isFar && mostQuota > 0 && { limit: quota }),
      tips: runs.map((run) => tip(run, sizeTip(run))),
    },
    markup`<span class="key size">database file</span>${
      inUse.some((bytes) => bytes !== undefined) ? markup`<span class="key use">in use</span>` : undefined
    }${mostQuota > 0 ? quotaKey : undefined}`,
  );
}

/** So many resources have a colour, beside all others. */
const COLOURS = 7;

/** None where no run tells what fills the database. */
function filling(runs: readonly HistoryRun[]): Markup[] {
  const fillings = fillingsOf(runs, COLOURS);
  if (fillings.length === 0) return [];
  const colours = fillings.map(({ resource }, index) => (resource === OTHER ? 'others' : `fill${index}`));
  const plot = {
    title: 'What fills it',
    runs,
    scale: byteScale(highest(fillings, runs)),
    // All that exists, and on top what a compaction would take: that is the first thing to know.
    stack: [
      ...fillings.map(({ live }, index) => ({ class: `${colours[index]}`, values: live })),
      ...fillings.map(({ history }, index) => ({ class: `${colours[index]} past`, values: history })),
    ],
    tips: runs.map((run, index) => tip(run, fillingTip(run, fillings, index))),
  };
  const keys = fillings.map(
    ({ resource }, index) => markup`<span class="key fill ${colours[index]}">${resource}</span>`,
  );
  return [figure(plot, markup`${keys}<span class="key fill past">fainter, on top: history</span>`)];
}

/** Of what is stacked, not of the totals in the manifests: those may be anything. */
const highest = (fillings: readonly Filling[], runs: readonly HistoryRun[]): number =>
  greatest(
    runs.map((_, at) =>
      fillings.reduce((sum, { live, history }) => sum + (live[at] ?? 0) + (history[at] ?? 0), 0),
    ),
  );

const liveAndPast = (live: number, history: number): string =>
  `${formatBytes(live)}, history ${formatBytes(history)}`;

function fillingTip({ usage }: HistoryRun, fillings: readonly Filling[], at: number): string {
  if (usage === undefined) return 'not known';
  return [
    `in all ${liveAndPast(usage.total.liveBytes, usage.total.historyBytes)}`,
    ...fillings.map(
      ({ resource, live, history }) => `${resource} ${liveAndPast(live[at] ?? 0, history[at] ?? 0)}`,
    ),
  ].join('\n');
}

function revisions(runs: readonly HistoryRun[]): Markup {
  const values = runs.map(({ revisionsPerDay }) => revisionsPerDay);
  return figure(
    {
      title: 'Revisions a day',
      runs,
      scale: countScale(greatest(values)),
      bars: values,
      tips: runs.map((run, index) => tip(run, orNotKnown(values[index], formatCount, 'revisions a day'))),
    },
    markup`<span class="key bar">from each night to the next; paler over a gap</span>`,
  );
}

function durations(runs: readonly HistoryRun[]): Markup {
  const values = runs.map(({ seconds }) => seconds);
  return figure(
    {
      title: 'How long the backup took',
      runs,
      scale: durationScale(greatest(values)),
      lines: [{ class: 'size', values }],
      tips: runs.map((run, index) => tip(run, orNotKnown(values[index], formatDuration, ''))),
    },
    markup`<span class="key size">from the first call until it was read back and proved</span>`,
  );
}

function speeds(runs: readonly HistoryRun[]): Markup {
  const values = runs.map(({ bytesPerSecond }) => bytesPerSecond);
  return figure(
    {
      title: 'Throughput of the backup',
      runs,
      scale: speedScale(greatest(values)),
      lines: [{ class: 'size', values }],
      tips: runs.map((run, index) => tip(run, orNotKnown(values[index], formatByteRate, ''))),
    },
    markup`<span class="key size">size of the database file over that time</span>`,
  );
}

const figure = (plot: Plot, keys: Markup): Markup => markup`<figure>
<figcaption><h2>${plot.title}</h2>${keys}</figcaption>
<div class="wide">${plotOf(plot)}</div>
</figure>
`;

const greatest = (values: Values): number => Math.max(0, ...values.flatMap((value) => value ?? []));

const tip = (run: HistoryRun, text: string): string =>
  [formatTime(new Date(run.time)), text, ...notesOf(run)].join('\n');

const orNotKnown = (value: number | undefined, format: (value: number) => string, unit: string): string =>
  value === undefined ? 'not known' : `${format(value)} ${unit}`.trim();

function sizeTip(run: HistoryRun): string {
  const share = quotaShare(run);
  return [
    `database file ${formatBytes(run.rawBytes)}${share === undefined ? '' : `, ${share} of the quota`}`,
    `in use ${orNotKnown(run.inUseBytes, formatBytes, '')}`,
  ].join('\n');
}
