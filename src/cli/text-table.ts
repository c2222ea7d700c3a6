import { visible } from '../grammar/visible.ts';
import type { CaptureRow } from '../capture/words.ts';

/** Formats rows of cells as indented lines with aligned columns. The last column is not padded. */
export function textTable(cells: readonly (readonly string[])[], indent: string): string[] {
  const rows = cells.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows.map((row) =>
    `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

/** Formats what is captured as a table with a head. */
export function captureTable(rows: readonly CaptureRow[], indent: string): string[] {
  const head = ['DIRECTION', 'CONNECTIONS', 'MATCH', 'THROUGH', 'WHY'];
  return textTable([head, ...rows.map((row) => [row.direction, row.what, row.match, row.through, row.why])], indent);
}
