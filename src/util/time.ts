/** Spans of time in milliseconds. */
export const HOUR_MS = 60 * 60 * 1000;
export const DAY_MS = 24 * HOUR_MS;

/**
 * A clock that was right at `from` and that nobody sets: what began and what ended are told as dates, and what lies
 * between them is a time that passed, also where the wall clock was set meanwhile.
 */
export function clockFrom(from: Date): () => Date {
  const began = performance.now();
  return () => new Date(from.getTime() + Math.round(performance.now() - began));
}
