import { printable } from './printable.ts';

/**
 * Rows of text as the lines of a table, every column as wide as its widest cell. The first row is the head. Whatever
 * stands in a cell stays in its row.
 */
export function alignedLines(table: readonly (readonly string[])[]): string[] {
  const rows = table.map((row) => row.map(printable));
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
