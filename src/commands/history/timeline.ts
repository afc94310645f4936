import { type HistoryRun, medianOf } from '../../history/runs.ts';
import { DAY_MS } from '../../util/time.ts';

/** A long gap takes no more room than so many usual intervals: one wrong clock would else push all the others together. */
const WIDEST_GAP = 4;
/** Until then the time of day tells runs apart, not the date. */
const SHORT_MS = 2 * DAY_MS;

/** Where the runs lie along an axis from 0 to 1. */
export interface Timeline {
  positions: readonly number[];
  /** the runs whose dates are written below the axis */
  dates: readonly { position: number; label: string }[];
}

/** To scale, but for gaps that are longer than a few runs. @param widest of a date, as a part of the axis */
export function timelineOf(runs: readonly HistoryRun[], widest: number): Timeline {
  const widths = runs.map((run, index) => {
    const before = runs[index - 1];
    return before === undefined ? 0 : Date.parse(run.time) - Date.parse(before.time);
  });
  const usual = medianOf(widths.filter((width, index) => width > 0 && runs[index]?.gapDays === undefined));
  const cap = (usual ?? DAY_MS) * WIDEST_GAP;
  let reached = 0;
  const ends = widths.map((width, index) => {
    reached += runs[index]?.gapDays === undefined ? width : Math.min(width, cap);
    return reached;
  });
  // All of one moment, or only one: in the middle.
  const positions = ends.map((end) => (reached === 0 ? 0.5 : end / reached));
  return { positions, dates: datesOf(runs, positions, widest) };
}

/** From the newest backwards, as many as there is room for. */
function datesOf(
  runs: readonly HistoryRun[],
  positions: readonly number[],
  widest: number,
): Timeline['dates'] {
  const chosen: { position: number; time: string }[] = [];
  for (const [index, { time }] of [...runs.entries()].toReversed()) {
    const position = positions[index] ?? 0;
    const next = chosen[0];
    if (next === undefined || next.position - position >= widest) chosen.unshift({ position, time });
  }
  const times = runs.map(({ time }) => Date.parse(time));
  const short = Math.max(...times) - Math.min(...times) < SHORT_MS;
  return chosen.map(({ position, time }, index) => {
    const year = time.slice(0, 4);
    const isNew = chosen[index - 1]?.time.slice(0, 4) !== year;
    return {
      position,
      label: `${dayOf(time)}${isNew ? ` ${year}` : ''}${short ? ` ${time.slice(11, 16)}` : ''}`,
    };
  });
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

const dayOf = (time: string): string => DAY.format(new Date(time));
