import { megabytesPerSecond } from './format.ts';

export interface ProgressFields {
  percent: number;
  bytes: number;
  megabytesPerSecond: number;
}

const STEP_PERCENT = 10;
const MIN_MS = 1_000;
const MAX_MS = 10_000;

/**
 * Reports how far a stream has come: at every tenth, but not more than once a second, and at least every ten seconds.
 * The returned function takes the bytes that just passed.
 */
export function progress(
  totalBytes: number,
  report: (fields: ProgressFields) => void,
  now = () => performance.now(),
): (bytes: number) => void {
  const began = now();
  let passed = 0;
  let reportedAt = began;
  let reportedPercent = 0;
  return (bytes) => {
    passed += bytes;
    const at = now();
    const percent = totalBytes > 0 ? Math.min(100, Math.floor((passed / totalBytes) * 100)) : 0;
    const due =
      at - reportedAt >= MAX_MS || (percent >= reportedPercent + STEP_PERCENT && at - reportedAt >= MIN_MS);
    if (!due) return;
    reportedAt = at;
    reportedPercent = percent;
    report({ percent, bytes: passed, megabytesPerSecond: megabytesPerSecond(passed, at - began) });
  };
}
