import type { JsonObject } from '../../../json/json.ts';

/** Returns a `StringMatcher` of a pattern of Istio's: `x*`, `*x` or a whole text; undefined for `*`. */
export function textMatcher(pattern: string): JsonObject | undefined {
  if (pattern === '*') return undefined;
  if (pattern.startsWith('*')) return { suffix: pattern.slice(1) };
  if (pattern.endsWith('*')) return { prefix: pattern.slice(0, -1) };
  return { exact: pattern };
}

/** Returns a `HeaderMatcher` of a pattern. */
export function headerMatcher(name: string, pattern: string, ignoresCase = false): JsonObject {
  const matcher = textMatcher(pattern);
  if (matcher === undefined) return { name, present_match: true };
  return { name, string_match: { ...matcher, ...(ignoresCase ? { ignore_case: true } : {}) } };
}

/** Returns a `CidrRange` of an address or a range. */
export function cidrRange(block: string): JsonObject {
  const [address_prefix = '', length] = block.split('/');
  const whole = address_prefix.includes(':') ? 128 : 32;
  return { address_prefix, prefix_len: length === undefined ? whole : Number(length) };
}

/** Returns text as part of an expression of RE2. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
