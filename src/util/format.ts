/** Sizes, ages and tables as people read them. */

import { alignedLines } from './table.ts';

export const table = (rows: readonly (readonly string[])[]): string => `${alignedLines(rows).join('\n')}\n`;

/** One JSON document. */
export const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(UNITS.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${UNITS[power - 1]}`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** As kubectl tells ages, so that a table stays narrow. */
export function ageText(seconds: number): string {
  if (seconds < 0) return 'future';
  if (seconds < 2 * MINUTE) return `${Math.floor(seconds)}s`;
  if (seconds < 2 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  return `${Math.floor(seconds / DAY)}d`;
}

/** `2026-11-22 02:17:00`, in UTC. */
export const timeText = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ');
