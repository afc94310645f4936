import type { UsageFigures } from './types.ts';

export function sumOf(all: readonly UsageFigures[]): UsageFigures {
  const sum = { keys: 0, revisions: 0, liveBytes: 0, historyBytes: 0 };
  for (const { keys, revisions, liveBytes, historyBytes } of all) {
    sum.keys += keys;
    sum.revisions += revisions;
    sum.liveBytes += liveBytes;
    sum.historyBytes += historyBytes;
  }
  return sum;
}

/** Of the values that there are, and of those that there were. */
export const sizeOf = ({
  liveBytes,
  historyBytes,
}: Pick<UsageFigures, 'liveBytes' | 'historyBytes'>): number => liveBytes + historyBytes;
