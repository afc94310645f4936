const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const GAP = ' ';
const RESTART = '|';
const UNKNOWN = '·';

export interface Spark {
  value: number | undefined;
  gapDays?: number;
  restart?: string;
}

/**
 * One block for each value, between the least and the most of them. A blank stands for time without a backup, a bar
 * where nothing leads on from the run before, a dot for a value that is not known.
 */
export function sparkline(sparks: readonly Spark[]): string {
  const known = sparks.flatMap(({ value }) => value ?? []);
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  return sparks
    .map(({ value, gapDays, restart }, index) => {
      const apart = restart !== undefined ? RESTART : gapDays !== undefined ? GAP : '';
      return (index === 0 ? '' : apart) + blockOf(value, least, span);
    })
    .join('');
}

function blockOf(value: number | undefined, least: number, span: number): string {
  if (value === undefined) return UNKNOWN;
  const step = span === 0 ? 0 : Math.round(((value - least) / span) * (BLOCKS.length - 1));
  return BLOCKS[step] ?? UNKNOWN;
}
