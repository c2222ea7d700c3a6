import { applyToValue } from '../json/apply.ts';
import { isObject, objectMember, type JsonObject } from '../json/json.ts';
import { podSecurityViolations, type PodSecurityViolation } from '../pod/security.ts';
import type { Decision } from './decision.ts';

/** Labels by which a namespace enforces a level of the Pod Security Standards, and that of a version: `latest` or `v1.28`. */
export const enforceLabel = 'pod-security.kubernetes.io/enforce';
export const enforceVersionLabel = 'pod-security.kubernetes.io/enforce-version';

/** What to do where Pod Security refuses what is injected. */
export const podSecurityRemedy =
  'sidecar.istio.io/interceptionMode: NONE on the pods, a node agent that captures (deploy/overlays/cni), or the level privileged';

function keyOf({ where, what }: PodSecurityViolation): string {
  return `${where}: ${what}`;
}

/** One text for each container or volume. */
function describe(violations: readonly PodSecurityViolation[]): string[] {
  const byPlace = new Map<string, string[]>();
  for (const { where, what } of violations) byPlace.set(where, [...(byPlace.get(where) ?? []), what]);
  return [...byPlace].map(([where, found]) => `${where}: ${found.join(', ')}`);
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
  const [, minor] = /^v1\.(\d{1,3})$/.exec(labels[enforceVersionLabel] ?? '') ?? [];
  const version = minor === undefined ? Number.POSITIVE_INFINITY : Number(minor);
  if (operations.length === 0 || (level !== 'baseline' && level !== 'restricted')) return [];
  const violations = (value: unknown): PodSecurityViolation[] => {
    const spec = isObject(value) ? objectMember(value, 'spec') : undefined;
    const found = spec === undefined ? [] : podSecurityViolations(spec);
    return found.filter((one) => (level === 'restricted' || one.level === 'baseline') && (one.since ?? 0) <= version);
  };
  const before = new Set(violations(pod).map(keyOf));
  return describe(violations(applyToValue(pod, operations)).filter((one) => !before.has(keyOf(one))));
}

/** Returns warnings that the namespace will refuse the pod because of its injection, and what to do about it. */
export function podSecurityWarnings(
  pod: JsonObject,
  decision: Pick<Decision, 'operations'>,
  labels: Readonly<Record<string, string>>,
): string[] {
  const refused = refusedByPodSecurity(pod, decision, labels);
  if (refused.length === 0) return [];
  return [
    `the namespace enforces Pod Security ${labels[enforceLabel] ?? ''}, so the pod will be refused (${refused.join('; ')})`,
    `for a sidecar under Pod Security, use ${podSecurityRemedy}`,
  ];
}
