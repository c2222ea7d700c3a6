import type { PortRange } from './intent.ts';
import type { Connection, Way } from './connection.ts';
import { portText } from './rule-text.ts';

/** One row of the explanation. For each direction, the first row that matches a connection decides. */
export interface CaptureRow {
  readonly direction: Connection['direction'];
  /** The connections that the row describes. */
  readonly what: string;
  /** Ports, addresses, interfaces or owners, as in the rules; `any` for all. */
  readonly match: string;
  readonly through: 'proxy' | 'direct';
  readonly why: string;
}

/** A row with its meaning: which connections it matches, and where they end up. */
export interface Step {
  readonly row: CaptureRow;
  readonly fits: (connection: Connection) => boolean;
  readonly way: Way;
}

type Fits = Step['fits'];
type InDirection = (direction: Connection['direction']) => Step;

/** A step that bypasses the proxy. */
export function direct(what: string, match: string, why: string, fits: Fits): InDirection {
  return (direction) => ({ row: { direction, what, match, through: 'direct', why }, fits, way: 'direct' });
}

/** A step to one of the proxy's listeners. */
export function captured(
  way: Exclude<Way, 'direct'>,
  what: string,
  match: string,
  why: string,
  fits: Fits,
): InDirection {
  return (direction) => ({ row: { direction, what, match, through: 'proxy', why }, fits, way });
}

export function isTcp({ protocol }: Connection): boolean {
  return protocol === 'tcp';
}

/** Writes `80, 8000-8100`. */
export function portsText(ranges: readonly PortRange[]): string {
  return ranges.map((range) => portText(range, '-')).join(', ');
}

export function isAmong(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** The last row of each direction. */
export function everythingElse(dns: boolean): InDirection {
  const why = dns ? 'only TCP and DNS queries are captured' : 'only TCP is captured';
  return direct('UDP and everything else', 'any', why, () => true);
}

/** Steps for excluded interfaces, if there are any. */
export function excludedInterfaces(names: readonly string[], direction: Connection['direction']): Step[] {
  if (names.length === 0) return [];
  const fits: Fits = ({ through }) => names.includes(through);
  return [direct('traffic of an excluded interface', names.join(', '), 'excluded interface', fits)(direction)];
}
