import type { AuthorizationPolicy } from '../rules/security/authorization-policy.ts';
import type { Rule } from '../rules/rule.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import { governs, type Selectable } from '../rules/security/selector.ts';

/** Who may call a pod: the policies that govern it. */
export interface AccessPlan {
  readonly policies: readonly Rule<AuthorizationPolicy>[];
}

/** Returns who may call a pod. */
export function planAccess(
  { AuthorizationPolicy: all }: Pick<Rules, 'AuthorizationPolicy'>,
  pod: Selectable,
  rootNamespace: string,
): AccessPlan {
  return {
    policies: [...all.values()].filter(({ ref, spec }) => governs(ref.namespace, spec?.selector, pod, rootNamespace)),
  };
}
