import { member, objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { uniqueFindings, type Finding } from '../rules/finding.ts';
import { objectKey, type RuleKind } from '../rules/object-ref.ts';
import { refOf } from '../rules/reading.ts';
import { noRules, ruleKinds } from '../rules/rule-kinds.ts';
import type { Verdict } from './analysis.ts';

const kinds = Object.keys(noRules) as readonly RuleKind[];

/** Returns the kind of rules that an object is of, however its kind is written. */
function kindOf(object: JsonObject): RuleKind | undefined {
  const kind = stringMember(object, 'kind')?.toLowerCase();
  const [group] = (stringMember(object, 'apiVersion') ?? '').split('/');
  return kinds.find((one) => one.toLowerCase() === kind && ruleKinds[one].group === group);
}

function refused(field: string, sentence: string): Finding {
  return { field, effect: 'refused', code: 'InvalidValue', sentence };
}

function findingsOf(kind: RuleKind, object: JsonObject, isSecond: boolean): readonly Finding[] {
  const { group, versions } = ruleKinds[kind];
  const allowed = versions.map((version) => `${group}/${version}`);
  const written = stringMember(object, 'apiVersion') ?? '';
  const name = member(objectMember(object, 'metadata'), 'name');
  const sentence = 'stands here more than once; only the last one counts';
  return [
    ...(object['kind'] === kind ? [] : [refused('/kind', `must be written ${kind}`)]),
    ...(allowed.includes(written) ? [] : [refused('/apiVersion', `"${written}": allowed: ${allowed.join(', ')}`)]),
    ...(typeof name === 'string' && name !== '' ? [] : [refused('/metadata/name', 'must be there: a text')]),
    ...(isSecond ? [{ field: '/metadata/name', effect: 'warning', code: 'GivenTwice', sentence } as const] : []),
  ];
}

function inNamespace(object: JsonObject, namespace: string): JsonObject {
  const metadata = objectMember(object, 'metadata');
  return { ...object, metadata: { namespace, ...metadata } };
}

/**
 * Returns what is wrong about how rules in files are called, which the API server would refuse or nobody would notice: their kinds, versions and
 * names, and names that are given twice.
 *
 * @param namespace of objects that do not name theirs
 */
export function checkManifestNames(objects: readonly JsonObject[], namespace: string): readonly Verdict[] {
  const seen = new Set<string>();
  return objects.flatMap((object): readonly Verdict[] => {
    const kind = kindOf(object);
    if (kind === undefined) return [];
    const ref = refOf(kind, inNamespace(object, namespace));
    const key = objectKey(ref);
    const findings = findingsOf(kind, object, ref.name !== '' && seen.has(key));
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
