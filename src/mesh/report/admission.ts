import type { JsonObject } from '../../json/json.ts';
import type { Domains } from '../plan/service-plan.ts';
import { describeFinding, type Finding } from '../rules/finding.ts';
import type { RuleKind } from '../rules/object-ref.ts';
import { ruleKinds, type Rules } from '../rules/rule-kinds.ts';
import type { World } from '../world/world.ts';
import { keyOf } from '../../kubernetes/object-key.ts';
import { analyzeRule, type AnyRule } from './analysis.ts';

/** What admission says about a rule before it is stored. */
export interface Judgement {
  /** Why it is refused, one sentence each; empty if it is taken. */
  readonly refused: readonly string[];
  /** What its author should know, one sentence each. */
  readonly warnings: readonly string[];
}

/** Characters of all warnings: the API server cuts them at 4 KiB in all. */
const warningBudget = 3_072;

function sentencesOf(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) => `${describeFinding(finding)} (${finding.code})`);
}

function withinBudget(sentences: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let left = warningBudget;
  for (const sentence of sentences) {
    left -= sentence.length;
    if (left < 0) return [...kept, `and ${sentences.length - kept.length} more: see sidecar-injector mesh analyze`];
    kept.push(sentence);
  }
  return kept;
}

function withRule(rules: Rules, kind: RuleKind, key: string, rule: AnyRule): Rules {
  return { ...rules, [kind]: new Map(rules[kind] as ReadonlyMap<string, AnyRule>).set(key, rule) };
}

/** Returns what is to be said about an object that is created or changed, as if it were part of the world already. */
export function judge(kind: RuleKind, object: JsonObject, world: World, domains: Domains): Judgement {
  const rule: AnyRule = ruleKinds[kind].read(object);
  const next = { ...world, rules: withRule(world.rules, kind, keyOf(object), rule) };
  const findings = analyzeRule(next, domains, rule);
  const refused = findings.filter(({ effect }) => effect === 'refused');
  const others = findings.filter(({ effect }) => effect !== 'refused');
  return { refused: sentencesOf(refused), warnings: withinBudget(sentencesOf(others)) };
}
