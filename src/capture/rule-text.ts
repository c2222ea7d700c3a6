import type { CaptureIntent, Family, PortRange } from './intent.ts';

/** A rendering cannot express a value of the capture intent. */
class UnsupportedCaptureError extends Error {
  override readonly name = 'UnsupportedCaptureError';
  /** Field of the intent, such as `mode`. */
  readonly field: string;

  constructor(field: string, value: string, allowed: string) {
    super(`capture: ${field} ${JSON.stringify(value)} is not supported; allowed is ${allowed}`);
    this.field = field;
  }
}

/** Both families, in the order in which rules are written. */
export const bothFamilies: readonly Family[] = ['v4', 'v6'];

const word = /^[A-Za-z0-9_.:/@+][A-Za-z0-9_.:/@+-]*$/;

/**
 * Returns the text if it is a single word. Settings and annotations were validated before; this is the last defence
 * against a blank or line break that would become a rule of its own.
 */
export function ruleWord(field: string, text: string): string {
  if (word.test(text)) return text;
  throw new UnsupportedCaptureError(field, text, 'letters, digits and _ . : / @ + -');
}

/** Writes `8080`, or `8000<between>8100` for a range. */
export function portText(range: PortRange, between: string): string {
  return range.first === range.last ? String(range.first) : `${range.first}${between}${range.last}`;
}

/** `80, 8000-8100` */
export function portsText(ranges: readonly PortRange[]): string {
  return ranges.map((range) => portText(range, '-')).join(', ');
}

function isOfFamily(cidr: string, family: Family): boolean {
  return cidr.includes(':') === (family === 'v6');
}

/** The CIDRs of one family, in the order given. */
export function cidrsOf(cidrs: readonly string[], family: Family): readonly string[] {
  return cidrs.filter((cidr) => isOfFamily(cidr, family));
}

/** Whether the CIDR is in 127.0.0.0/8 or is ::1, in any notation. */
function isLoopback(cidr: string): boolean {
  return cidr.startsWith('127.') || /^(?:0*:)*:?0*1(?:\/|$)/.test(cidr);
}

/** Whether the intent explicitly captures a loopback destination of this family. */
export function capturesLoopback({ outbound }: CaptureIntent, family: Family): boolean {
  return outbound.cidrs !== 'all' && cidrsOf(outbound.cidrs, family).some(isLoopback);
}

/** The loopback source address as a CIDR. */
export function loopbackSourceCidr(intent: CaptureIntent, family: Family): string {
  return `${intent.loopbackSource[family]}/${family === 'v4' ? 32 : 128}`;
}
