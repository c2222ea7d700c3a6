import { rawRules } from './dns-rules.ts';
import type { CaptureIntent } from './intent.ts';
import { mangleRules } from './mangle-rules.ts';
import { natRules } from './nat-rules.ts';
import type { Rule } from './rule.ts';

/** All rules of an intent, for both families, ordered by the names of the tables. */
export function captureRules(intent: CaptureIntent): readonly Rule[] {
  return [...mangleRules(intent), ...natRules(intent), ...rawRules(intent)];
}

/** Rules of one chain where insertions have taken their places, as iptables would have them in the end. */
export function inPlace(rules: readonly Rule[]): Rule[] {
  const placed: Rule[] = [];
  for (const rule of rules) placed.splice(rule.position === undefined ? placed.length : rule.position - 1, 0, rule);
  return placed;
}
