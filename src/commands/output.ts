import { alignedLines } from '../util/table.ts';

/** A table for a terminal. The first row is the head. */
export const formatTable = (rows: readonly (readonly string[])[]): string =>
  `${alignedLines(rows).join('\n')}\n`;

/** One JSON document. */
export const formatJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
