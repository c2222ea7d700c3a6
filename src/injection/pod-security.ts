import { applyToValue } from '../json/apply.ts';
import { isObject, objectMember, type JsonObject } from '../json/json.ts';
import { podSecurityViolations, type PodSecurityViolation } from '../pod/security.ts';
import type { Decision } from './decision.ts';

/** Label by which a namespace enforces a level of the Pod Security Standards. */
export const enforceLabel = 'pod-security.kubernetes.io/enforce';

/** What to do where Pod Security refuses what is injected. */
export const podSecurityRemedy =
  'sidecar.istio.io/interceptionMode: NONE on the pods, a node agent that captures (deploy/overlays/cni), or the level privileged';

function keyOf({ where, what }: PodSecurityViolation): string {
  return `${where}: ${what}`;
}

/**
 * Returns what a namespace with these labels refuses of the pod because of its injection, such as the capabilities of
 * `istio-init`; empty if it enforces no level. Violations of the pod's own are not returned: it is refused without us, too.
 */
export function refusedByPodSecurity(
  pod: JsonObject,
  { operations }: Pick<Decision, 'operations'>,
  labels: Readonly<Record<string, string>>,
): string[] {
  const level = labels[enforceLabel];
  if (operations.length === 0 || (level !== 'baseline' && level !== 'restricted')) return [];
  const violations = (value: unknown): string[] => {
    const spec = isObject(value) ? objectMember(value, 'spec') : undefined;
    const found = spec === undefined ? [] : podSecurityViolations(spec);
    return found.filter((one) => level === 'restricted' || one.level === 'baseline').map(keyOf);
  };
  const before = new Set(violations(pod));
  return violations(applyToValue(pod, operations)).filter((one) => !before.has(one));
}
