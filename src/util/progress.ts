export interface ProgressFields {
  percent: number;
  bytes: number;
  megabytesPerSecond: number;
}

const STEP_PERCENT = 10;
const MIN_MS = 1_000;
const MAX_MS = 10_000;

/**
 * Tells how far a stream has come: at every tenth, but not more than once a second, and at least every ten seconds.
 * The returned function takes the bytes that just passed.
 */
export function progress(
  totalBytes: number,
  tell: (fields: ProgressFields) => void,
  now = () => performance.now(),
): (bytes: number) => void {
  const began = now();
  let passed = 0;
  let toldAt = began;
  let toldPercent = 0;
  return (bytes) => {
    passed += bytes;
    const at = now();
    const percent = totalBytes > 0 ? Math.min(100, Math.floor((passed / totalBytes) * 100)) : 0;
    const due = at - toldAt >= MAX_MS || (percent >= toldPercent + STEP_PERCENT && at - toldAt >= MIN_MS);
    if (!due) return;
    toldAt = at;
    toldPercent = percent;
    tell({ percent, bytes: passed, megabytesPerSecond: rate(passed, at - began) });
  };
}

/** Millions of bytes a second, to one decimal. */
export const rate = (bytes: number, ms: number): number => (ms > 0 ? Math.round(bytes / 100 / ms) / 10 : 0);
