import { type Markup, markup } from './markup.ts';
import type { HistoryRun } from '../../history/runs.ts';
import type { Scale } from './scale.ts';
import {
  type Band,
  bands,
  bars,
  curve,
  type Frame,
  gaps,
  limits,
  problems,
  restarts,
  tips,
  type Values,
} from './shapes.ts';
import { type Timeline, timelineOf } from './timeline.ts';

export interface Plot {
  title: string;
  runs: readonly HistoryRun[];
  scale: Scale;
  /** drawn as lines with a dot for each run; the class gives the colour */
  lines?: readonly Band[];
  /** drawn on top of each other */
  stack?: readonly Band[];
  /** each over the time since the run before */
  bars?: Values;
  /** a level that was in force around each run */
  limit?: Values;
  /** what a pointer over a run shows */
  tips: readonly string[];
}

const WIDTH = 960;
const HEIGHT = 220;
const LEFT = 84;
const RIGHT = WIDTH - 48;
const TOP = 18;
const BOTTOM = HEIGHT - 28;
/** of a date with its year and time of day */
const DATE_WIDTH = 130;

/** One plot: the time from left to right, and nothing drawn where nothing is known. */
export function plotOf(plot: Plot): Markup {
  const { title, runs, scale, lines = [], stack = [] } = plot;
  const timeline = timelineOf(runs, DATE_WIDTH / (RIGHT - LEFT));
  const frame: Frame = {
    runs,
    xs: timeline.positions.map(xOf),
    yOf: (value) => round(BOTTOM - (value / scale.max) * (BOTTOM - TOP)),
    left: LEFT,
    right: RIGHT,
    top: TOP,
    bottom: BOTTOM,
  };
  const isEmpty = [plot.bars ?? [], ...[...lines, ...stack].map(({ values }) => values)]
    .flat()
    .every((value) => value === undefined);
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
${gaps(frame)}
${valueAxis(scale, frame)}
${timeAxis(timeline)}
${bands(stack, frame)}
${plot.bars && bars(plot.bars, frame)}
${plot.limit && limits(plot.limit, frame)}
${lines.map((line) => markup`<g class="${line.class}">${curve(line.values, frame)}</g>`)}
${restarts(frame)}
${problems(frame)}
${isEmpty ? markup`<text class="unknown" x="${(LEFT + RIGHT) / 2}" y="${(TOP + BOTTOM) / 2}">not known</text>` : undefined}
${tips(plot.tips, frame)}
</svg>`;
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10;

const xOf = (position: number): number => round(LEFT + position * (RIGHT - LEFT));

function valueAxis({ ticks }: Scale, { yOf }: Frame): Markup[] {
  return ticks.map(({ value, label }) => {
    const y = yOf(value);
    return markup`<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}"/>
<text class="value" x="${LEFT - 8}" y="${y + 4}">${label}</text>`;
  });
}

function timeAxis({ dates }: Timeline): Markup[] {
  return dates.map(({ position, label }) => {
    const x = xOf(position);
    return markup`<line class="tick" x1="${x}" x2="${x}" y1="${BOTTOM}" y2="${BOTTOM + 5}"/>
<text class="date" x="${x}" y="${BOTTOM + 19}">${label}</text>`;
  });
}
