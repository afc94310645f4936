/** Bytes, shares, durations, ages, times and counts in words, for people: nothing reads these back. */

export const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const MIB = 2 ** 20;

/** `512 B`, `1.5 GiB`: in the largest unit of which there is one. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${BYTE_UNITS[power]}`;
}

/** `0.5 MiB`, `1536.0 MiB`: all in one unit, where sizes are compared with each other. */
export const formatMebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

/** `1.5 GiB/s`. */
export const formatByteRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** `44.9 %` for 0.4499: rounded down, so that what is just below a threshold never reads as if it had reached it. */
export const formatPercent = (ratio: number): string => `${Math.floor(ratio * 1000) / 10} %`;

/** `45.0 %` for 0.4499: rounded to the nearest, always with its decimal. */
export const formatRoundedPercent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `130.0 s`. */
export const formatSeconds = (seconds: number): string => `${seconds.toFixed(1)} s`;

/** `9.3 s`, `2.5 min`, `3.0 h`: in seconds and minutes up to two of the next unit. */
export function formatDuration(seconds: number): string {
  if (seconds < 2 * MINUTE) return formatSeconds(seconds);
  return seconds < 2 * HOUR ? `${(seconds / MINUTE).toFixed(1)} min` : `${(seconds / HOUR).toFixed(1)} h`;
}

/** `90s`, `3h`, `12d` for that many seconds: as kubectl tells ages, so that a table stays narrow. */
export function formatAge(seconds: number): string {
  if (seconds < 0) return 'future';
  if (seconds < 2 * MINUTE) return `${Math.floor(seconds)}s`;
  if (seconds < 2 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  return `${Math.floor(seconds / DAY)}d`;
}

/** `2026-11-22 02:17:00`, in UTC. */
export const formatTime = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ');

const NUMBER = new Intl.NumberFormat('en-GB');

/** `12,300`. */
export const formatCount = (count: number): string => NUMBER.format(count);

/** Millions of bytes a second, to one decimal; 0 over no time. */
export const megabytesPerSecond = (bytes: number, ms: number): number =>
  ms > 0 ? Math.round(bytes / 100 / ms) / 10 : 0;
