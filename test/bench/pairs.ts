/** Of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** What was measured in the same minutes, once for us and once for the others. */
export interface Pairs<Ours, Theirs> {
  ours: Ours[];
  theirs: Theirs[];
}

/** Whoever is first in one pair is second in the next. */
export async function inPairs<Ours, Theirs>(
  count: number,
  ours: () => Promise<Ours>,
  theirs: () => Promise<Theirs>,
): Promise<Pairs<Ours, Theirs>> {
  const pairs: Pairs<Ours, Theirs> = { ours: [], theirs: [] };
  for (let pair = 0; pair < count; pair += 1) {
    if (pair % 2 === 0) pairs.ours.push(await ours());
    pairs.theirs.push(await theirs());
    if (pair % 2 === 1) pairs.ours.push(await ours());
  }
  return pairs;
}

export interface Comparison {
  ours: number;
  theirs: number;
  /** the median of the pairs', which is not that of the two medians */
  ratio: number;
  lowest: number;
  highest: number;
}

export function compare(ours: readonly number[], theirs: readonly number[]): Comparison {
  const ratios = ours.map((value, index) => value / (theirs[index] ?? Number.NaN));
  return {
    ours: median(ours),
    theirs: median(theirs),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}
