import { formatByteRate, formatBytes, formatCount, formatDuration, formatTime } from '../../util/format.ts';
import { type Markup, markup } from './markup.ts';
import { type HistoryRun, notesOf } from '../../history/runs.ts';
import { type Plot, plotOf } from './plot.ts';
import { byteScale, countScale, durationScale, speedScale } from './scale.ts';
import type { Values } from './shapes.ts';
import { quotaShare } from './text.ts';

/** A quota so many times the file would press the lines to the floor: it is said in words then. */
const FAR_QUOTA = 4;

/** The plots, with what their lines are. @param runs at least one, none of them dated after now */
export function figures(runs: readonly HistoryRun[]): Markup[] {
  return [sizes(runs), revisions(runs), durations(runs), speeds(runs)];
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
