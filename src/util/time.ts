/** Spans of time in milliseconds. */
const MINUTE_MS = 60 * 1000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/**
 * A clock that was right at `from` and that nobody sets: what began and what ended are told as dates, and what lies
 * between them is a time that passed, also where the wall clock was set meanwhile.
 */
export function clockFrom(from: Date): () => Date {
  const began = performance.now();
  return () => new Date(from.getTime() + Math.round(performance.now() - began));
}

/** Says yes when it is asked first, and then once a minute: for what is told while something is waited for. */
export function onceAMinute(): () => boolean {
  let nextAt = performance.now();
  return () => {
    const now = performance.now();
    if (now < nextAt) return false;
    nextAt = now + MINUTE_MS;
    return true;
  };
}
