/** An inclusive range of ports; for a single port `first` equals `last`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One port as a range. */
export function onePort(port: number): PortRange {
  return { first: port, last: port };
}

/** Whether one of the ranges has the port. */
export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Returns ranges as a comma list such as `80,8000-8100`. */
export function rangeText(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}
