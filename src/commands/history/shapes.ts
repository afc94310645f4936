import { type Markup, markup } from './markup.ts';
import type { HistoryRun } from '../../history/runs.ts';

/** A figure of each run, undefined where it is not known. */
export type Values = readonly (number | undefined)[];

/** A figure of each run with the class that gives its colour. */
export interface Band {
  class: string;
  values: Values;
}

/** Where a plot's runs and values lie, in units of the drawing. */
export interface Frame {
  runs: readonly HistoryRun[];
  /** of each run */
  xs: readonly number[];
  yOf: (value: number) => number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Its days do not fit into a narrower gap, though they are written upwards. */
const LABEL_HEIGHT = 11;
/** More, and their dots are a ribbon. */
const DOTTED_RUNS = 150;

const round = (units: number): number => Math.round(units * 10) / 10;

/** Nothing is drawn from the run before to this one. */
const isApart = (run: HistoryRun | undefined): boolean =>
  run?.gapDays !== undefined || run?.restart !== undefined;

/** Bands where there is no backup, with their days: long ones are not to scale. */
export function gaps({ runs, xs, top, bottom }: Frame): Markup[] {
  return runs.map(({ gapDays, restart }, index) => {
    const [from, to] = [xs[index - 1], xs[index]];
    if (gapDays === undefined || from === undefined || to === undefined) return markup``;
    const band = markup`<rect class="gap" x="${from}" y="${top}" width="${round(to - from)}" height="${bottom - top}"/>`;
    if (to - from < LABEL_HEIGHT) return band;
    // Beside the line that may stand in the middle.
    const x = round((from + to) / 2) + (restart === undefined ? 4 : -3);
    const y = bottom - 6;
    const days = gapDays < 10 ? gapDays : Math.round(gapDays);
    return markup`${band}<text class="days" x="${x}" y="${y}" transform="rotate(-90 ${x} ${y})">${days} d</text>`;
  });
}

/** Numbered lines where the figures begin anew. */
export function restarts({ runs, xs, top, bottom }: Frame): Markup[] {
  let number = 0;
  return runs.map(({ restart }, index) => {
    const [from, to] = [xs[index - 1], xs[index]];
    if (restart === undefined || from === undefined || to === undefined) return markup``;
    number += 1;
    const x = round((from + to) / 2);
    return markup`<line class="restart" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>
<text class="mark" x="${x}" y="${top - 5}">${number}</text>`;
  });
}

/** A sign on the axis for each run in which the cluster was not well. */
export function problems({ runs, xs, bottom }: Frame): Markup[] {
  return runs.map((run, index) => {
    const x = xs[index];
    if (run.problems.length === 0 || x === undefined) return markup``;
    return markup`<path class="problem" d="M${x - 4} ${bottom}h8l-4 -8z"/>`;
  });
}

/** A line through the values, broken where one is not known or nothing leads on, with a dot for each run. */
export function curve(values: Values, { runs, xs, yOf }: Frame): Markup {
  const leadsTo = (index: number): boolean =>
    values[index] !== undefined && values[index - 1] !== undefined && !isApart(runs[index]);
  const path: string[] = [];
  const dots: Markup[] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const [x, y] = [xs[index], yOf(value)];
    path.push(`${leadsTo(index) ? 'L' : 'M'}${x} ${y}`);
    const isAlone = !leadsTo(index) && !leadsTo(index + 1);
    if (isAlone || runs.length <= DOTTED_RUNS) dots.push(markup`<circle cx="${x}" cy="${y}" r="2.6"/>`);
  }
  return markup`<path class="line" d="${path.join('')}"/>${dots}`;
}

/** Half of what a run takes up in a stack where nothing leads to it or on from it. */
const ALONE = 3;

/** Values on top of each other, the first at the bottom; all are known of a run, or none. Broken as a line is. */
export function bands(stack: readonly Band[], { runs, xs, yOf }: Frame): Markup[] {
  const stretches = stretchesIn(stack[0]?.values ?? [], runs).map((stretch) =>
    stretch.length > 1
      ? stretch.map((index) => ({ index, x: xs[index] ?? 0 }))
      : stretch.flatMap((index) =>
          [-ALONE, ALONE].map((beside) => ({ index, x: (xs[index] ?? 0) + beside })),
        ),
  );
  let floor: readonly number[] = runs.map(() => 0);
  return stack.map((band) => {
    const [lower, upper] = [floor, floor.map((value, index) => value + (band.values[index] ?? 0))];
    floor = upper;
    const edge = (heights: readonly number[], points: (typeof stretches)[number]): string =>
      points.map(({ index, x }) => `${round(x)} ${yOf(heights[index] ?? 0)}`).join('L');
    const path = stretches.map((points) => `M${edge(upper, points)}L${edge(lower, points.toReversed())}Z`);
    return markup`<path class="band ${band.class}" d="${path.join('')}"/>`;
  });
}

/** The indexes of runs of which each leads to the next. */
function stretchesIn(values: Values, runs: Frame['runs']): number[][] {
  const stretches: number[][] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const open = stretches.at(-1);
    if (open?.at(-1) === index - 1 && !isApart(runs[index])) open.push(index);
    else stretches.push([index]);
  }
  return stretches;
}

/** Each over the time since the run before; over a gap it is the average of many days, and paler. */
export function bars(values: Values, { runs, xs, yOf, bottom }: Frame): Markup[] {
  return values.map((value, index) => {
    const [from, to] = [xs[index - 1], xs[index]];
    if (value === undefined || from === undefined || to === undefined) return markup``;
    const kind = runs[index]?.gapDays === undefined ? 'bar' : 'bar average';
    const width = Math.max(0.5, round(to - from - (to - from > 4 ? 1 : 0)));
    const [y, height] = [yOf(value), round(bottom - yOf(value))];
    return markup`<rect class="${kind}" x="${from}" y="${y}" width="${width}" height="${height}"/>`;
  });
}

/** A level around each run; one line where the next has the same. */
export function limits(values: Values, frame: Frame): Markup {
  const path = values.map((value, index) => {
    if (value === undefined) return '';
    const [from, to] = around(frame, index);
    return value === values[index - 1] ? `H${to}` : `M${from} ${frame.yOf(value)}H${to}`;
  });
  return markup`<path class="limit" d="${path.join('')}"/>`;
}

/** Invisible until the pointer is over them. */
export function tips(texts: readonly string[], frame: Frame): Markup[] {
  const { xs, top, bottom } = frame;
  return texts.map((text, index) => {
    const [from, to] = around(frame, index);
    return markup`<g class="tip"><title>${text}</title>
<rect x="${from}" y="${top}" width="${round(to - from)}" height="${bottom - top}"/>
<line x1="${xs[index]}" x2="${xs[index]}" y1="${top}" y2="${bottom}"/></g>`;
  });
}

/** Halfway to the runs beside it; the first and the last reach to the ends. */
function around({ xs, left, right }: Frame, index: number): [from: number, to: number] {
  const [before, here = left, after] = [xs[index - 1], xs[index], xs[index + 1]];
  return [
    before === undefined ? left : round((before + here) / 2),
    after === undefined ? right : round((here + after) / 2),
  ];
}
