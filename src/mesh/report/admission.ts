import type { JsonObject } from '../../json/json.ts';
import { keyOf } from '../../kubernetes/object-key.ts';
import type { Domains } from '../plan/service-plan.ts';
import { describeFinding, type Finding } from '../rules/finding.ts';
import { objectKey, type RuleKind } from '../rules/object-ref.ts';
import { ruleKinds } from '../rules/rule-kinds.ts';
import type { RuleEvent } from '../world/rule-changes.ts';
import { applyEvents, type World } from '../world/world.ts';
import { analyzeConsequences, analyzeRule, type AnyRule, type Verdict } from './analysis.ts';

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

function afterwards(world: World, kind: RuleKind, key: string, value: AnyRule | undefined): World {
  return applyEvents(world, [{ kind, key, value } as RuleEvent]).world;
}

/** Returns what a change does to other objects, as sentences that name them. */
function sentencesOfOthers(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap(({ ref, findings }) => sentencesOf(findings).map((text) => `${objectKey(ref)}: ${text}`));
}

/** Returns what is to be said about an object that is created or changed, as if it were part of the world already. */
export function judge(kind: RuleKind, object: JsonObject, world: World, domains: Domains): Judgement {
  const rule: AnyRule = ruleKinds[kind].read(object);
  const refused = rule.findings.filter(({ effect }) => effect === 'refused');
  if (refused.length > 0) {
    const others = rule.findings.filter((finding) => !refused.includes(finding));
    return { refused: sentencesOf(refused), warnings: withinBudget(sentencesOf(others)) };
  }
  const next = afterwards(world, kind, keyOf(object), rule);
  const warnings = [
    ...sentencesOf(analyzeRule(next, domains, rule)),
    ...sentencesOfOthers(analyzeConsequences(world, next, domains)),
  ];
  return { refused: [], warnings: withinBudget(warnings) };
}

/** Returns what is to be said about the deletion of an object, which is never refused. */
export function judgeDeletion(kind: RuleKind, object: JsonObject, world: World, domains: Domains): Judgement {
  const next = afterwards(world, kind, keyOf(object), undefined);
  return { refused: [], warnings: withinBudget(sentencesOfOthers(analyzeConsequences(world, next, domains))) };
}
