/** Rows of equal length; the first is the heading. The first column is text, the others are figures. */
export type Table = readonly (readonly string[])[];

function widthsOf(table: Table): number[] {
  return (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
}

function pad(row: readonly string[], widths: readonly number[]): string[] {
  return row.map((cell, column) => {
    const width = widths[column] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
}

/** For a terminal. */
export function plainTable(table: Table): string {
  const widths = widthsOf(table);
  return table.map((row) => pad(row, widths).join('  ').trimEnd()).join('\n');
}

/** For a page. */
export function markdownTable(table: Table): string {
  const widths = widthsOf(table).map((width) => Math.max(3, width));
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  const [heading = [], ...rows] = table;
  return [pad(heading, widths), rule, ...rows.map((row) => pad(row, widths))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}
