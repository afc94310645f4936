import { sizeText, timeText } from '../../util/format.ts';
import { type Markup, markup } from './markup.ts';
import { type HistoryRun, notesOf } from './runs.ts';
import { type Plot, plotOf } from './plot.ts';
import { byteScale, countScale, durationScale, speedScale } from './scale.ts';
import type { Values } from './shapes.ts';
import { countText, durationText, quotaShare, speedText } from './text.ts';

/** A quota so many times the file would press the lines to the floor: it is told in words then. */
const FAR_QUOTA = 4;

/** The plots, with what their lines are. @param nights at least one, none of them dated after now */
export function figures(nights: readonly HistoryRun[]): Markup[] {
  return [sizes(nights), revisions(nights), durations(nights), speeds(nights)];
}

function sizes(nights: readonly HistoryRun[]): Markup {
  const [raw, inUse, quota] = [
    nights.map(({ rawBytes }) => rawBytes),
    nights.map(({ inUseBytes }) => inUseBytes),
    nights.map(({ quotaBytes }) => quotaBytes),
  ];
  const [most, mostQuota] = [greatest([...raw, ...inUse]), greatest(quota)];
  const isFar = mostQuota > most * FAR_QUOTA;
  const lines = [
    { class: 'size', values: raw },
    { class: 'use', values: inUse },
  ];
  const quotaKey = isFar
    ? markup`<span class="key limit">quota of ${sizeText(mostQuota)}, far above</span>`
    : markup`<span class="key limit">quota</span>`;
  return figure(
    {
      title: 'Size of the database',
      nights,
      scale: byteScale(isFar ? most : Math.max(most, mostQuota)),
      lines,
      ...(!isFar && mostQuota > 0 && { limit: quota }),
      tips: nights.map((night) => tip(night, sizeTip(night))),
    },
    markup`<span class="key size">database file</span>${
      inUse.some((bytes) => bytes !== undefined) ? markup`<span class="key use">in use</span>` : undefined
    }${mostQuota > 0 ? quotaKey : undefined}`,
  );
}

function revisions(nights: readonly HistoryRun[]): Markup {
  const values = nights.map(({ revisionsPerDay }) => revisionsPerDay);
  return figure(
    {
      title: 'Revisions a day',
      nights,
      scale: countScale(greatest(values)),
      bars: values,
      tips: nights.map((night, index) => tip(night, told(values[index], countText, 'revisions a day'))),
    },
    markup`<span class="key bar">from each night to the next; paler over a gap</span>`,
  );
}

function durations(nights: readonly HistoryRun[]): Markup {
  const values = nights.map(({ seconds }) => seconds);
  return figure(
    {
      title: 'How long the backup took',
      nights,
      scale: durationScale(greatest(values)),
      lines: [{ class: 'size', values }],
      tips: nights.map((night, index) => tip(night, told(values[index], durationText, ''))),
    },
    markup`<span class="key size">from the first call until it was read back and proved</span>`,
  );
}

function speeds(nights: readonly HistoryRun[]): Markup {
  const values = nights.map(({ bytesPerSecond }) => bytesPerSecond);
  return figure(
    {
      title: 'Throughput of the backup',
      nights,
      scale: speedScale(greatest(values)),
      lines: [{ class: 'size', values }],
      tips: nights.map((night, index) => tip(night, told(values[index], speedText, ''))),
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

const tip = (night: HistoryRun, text: string): string =>
  [timeText(new Date(night.time)), text, ...notesOf(night)].join('\n');

const told = (value: number | undefined, text: (value: number) => string, unit: string): string =>
  value === undefined ? 'not known' : `${text(value)} ${unit}`.trim();

function sizeTip(night: HistoryRun): string {
  const share = quotaShare(night);
  return [
    `database file ${sizeText(night.rawBytes)}${share === undefined ? '' : `, ${share} of the quota`}`,
    `in use ${told(night.inUseBytes, sizeText, '')}`,
  ].join('\n');
}
