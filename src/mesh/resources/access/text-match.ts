import type { JsonObject } from '../../../json/json.ts';

/** How a text is compared. A regular expression is RE2's, and has to match the whole text. */
export interface TextMatcher {
  readonly type: 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  readonly value: string;
}

/** Returns what a pattern of Istio's means, other than `*`: `x*`, `*x` or a whole text. */
export function textMatcher(pattern: string): TextMatcher {
  if (pattern.startsWith('*')) return { type: 'suffix', value: pattern.slice(1) };
  if (pattern.endsWith('*')) return { type: 'prefix', value: pattern.slice(0, -1) };
  return { type: 'exact', value: pattern };
}

/** Returns a `StringMatcher`. */
export function stringMatcher({ type, value }: TextMatcher): JsonObject {
  return type === 'regex' ? { safe_regex: { regex: value } } : { [type]: value };
}

/** Returns a `HeaderMatcher` of a pattern. */
export function headerMatcher(name: string, pattern: string, ignoresCase = false): JsonObject {
  if (pattern === '*') return { name, present_match: true };
  const matcher = stringMatcher(textMatcher(pattern));
  return { name, string_match: { ...matcher, ...(ignoresCase ? { ignore_case: true } : {}) } };
}

/** Returns text as part of an expression of RE2. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
