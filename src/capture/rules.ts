import { rawRules } from './dns-rules.ts';
import type { CaptureIntent } from './intent.ts';
import { mangleRules } from './mangle-rules.ts';
import { natRules } from './nat-rules.ts';
import type { Rule } from './rule.ts';

/** Every rule of an intent, for both families, a table after the other in the order of their names. */
export function captureRules(intent: CaptureIntent): readonly Rule[] {
  return [...mangleRules(intent), ...natRules(intent), ...rawRules(intent)];
}
