import { member, objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { uniqueFindings, type Finding } from '../rules/finding.ts';
import { objectKey, type RuleKind } from '../rules/object-ref.ts';
import { refOf } from '../rules/reading.ts';
import { noRules, ruleKinds } from '../rules/rule-kinds.ts';
import type { Verdict } from './analysis.ts';

const kinds = Object.keys(noRules) as readonly RuleKind[];

function kindOf(object: JsonObject): RuleKind | undefined {
  const [group] = (stringMember(object, 'apiVersion') ?? '').split('/');
  return kinds.find((one) => one === object['kind'] && ruleKinds[one].group === group);
}

function refused(field: string, sentence: string): Finding {
  return { field, effect: 'refused', code: 'InvalidValue', sentence };
}

function findingsOf(object: JsonObject, isSecond: boolean): readonly Finding[] {
  const name = member(objectMember(object, 'metadata'), 'name');
  const sentence = 'stands here more than once; only the last one counts';
  return [
    ...(typeof name === 'string' && name !== '' ? [] : [refused('/metadata/name', 'must be there: a text')]),
    ...(isSecond ? [{ field: '/metadata/name', effect: 'warning', code: 'GivenTwice', sentence } as const] : []),
  ];
}

/**
 * Returns what is wrong about how rules in files are called, which the API server would refuse or nobody would notice: names that are missing, or
 * are given twice.
 *
 * @param objects with their namespaces
 */
export function checkManifestNames(objects: readonly JsonObject[]): readonly Verdict[] {
  const seen = new Set<string>();
  return objects.flatMap((object): readonly Verdict[] => {
    const kind = kindOf(object);
    if (kind === undefined) return [];
    const ref = refOf(kind, object);
    const key = objectKey(ref);
    const findings = findingsOf(object, ref.name !== '' && seen.has(key));
    seen.add(key);
    return findings.length === 0 ? [] : [{ ref, findings }];
  });
}

/** Joins what is said of the same objects. */
export function joinVerdicts(all: readonly Verdict[]): readonly Verdict[] {
  const joined = new Map<string, Verdict>();
  for (const { ref, findings } of all) {
    const key = objectKey(ref);
    joined.set(key, { ref, findings: uniqueFindings([...(joined.get(key)?.findings ?? []), ...findings]) });
  }
  return [...joined.values()];
}
