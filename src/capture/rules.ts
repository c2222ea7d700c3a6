import { rawRules } from './dns-rules.ts';
import type { CaptureIntent } from './intent.ts';
import { mangleRules } from './mangle-rules.ts';
import { natRules } from './nat-rules.ts';
import type { Rule } from './rule.ts';

/** Every rule of an intent, for both families, a table after the other in the order of their names. */
export function captureRules(intent: CaptureIntent): readonly Rule[] {
  return [...mangleRules(intent), ...natRules(intent), ...rawRules(intent)];
}

/** Rules of one chain where insertions have taken their places, as iptables would have them in the end. */
export function inPlace(rules: readonly Rule[]): Rule[] {
  const placed: Rule[] = [];
  for (const rule of rules) placed.splice(rule.position === undefined ? placed.length : rule.position - 1, 0, rule);
  return placed;
}
