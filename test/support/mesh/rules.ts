import { stringMember, type JsonObject } from '../../../src/json/json.ts';
import { keyOf } from '../../../src/kubernetes/object-key.ts';
import type { RuleKind } from '../../../src/mesh/rules/object-ref.ts';
import { noRules, ruleKinds, type Rules } from '../../../src/mesh/rules/rule-kinds.ts';

/** Reads objects as the rules of a cluster. */
export function rulesOf(objects: readonly JsonObject[]): Rules {
  const read = (kind: RuleKind): ReadonlyMap<string, unknown> =>
    new Map(
      objects
        .filter((object) => stringMember(object, 'kind') === kind)
        .map((object) => [keyOf(object), ruleKinds[kind].read(object)] as const),
    );
  const kinds = Object.keys(noRules) as readonly RuleKind[];
  return Object.fromEntries(kinds.map((kind) => [kind, read(kind)])) as unknown as Rules;
}
