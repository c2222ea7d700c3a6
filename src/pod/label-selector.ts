import { member, type JsonObject } from '../json/json.ts';

/** Whether labels, read or as an object has them, have all that are wanted with these values. Without any wanted they have. */
export function hasLabels(
  labels: Readonly<Record<string, unknown>> | undefined,
  wanted: Readonly<Record<string, unknown>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
}

/** One requirement of a label selector (`metav1.LabelSelectorRequirement`). */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[] | undefined;
}

/** A Kubernetes label selector. All requirements must hold; an empty selector matches everything. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
  readonly matchExpressions?: readonly LabelRequirement[] | undefined;
}

function holds(requirement: LabelRequirement, labels: JsonObject): boolean {
  const value = member(labels, requirement.key);
  const listed = typeof value === 'string' && requirement.values?.includes(value) === true;
  switch (requirement.operator) {
    case 'In':
      return listed;
    case 'NotIn':
      return !listed;
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/**
 * Whether the labels match the selector, as k8s.io/apimachinery `metav1.LabelSelectorAsSelector` defines it: `NotIn`
 * also holds if the label is absent.
 */
export function matchesLabels(selector: LabelSelector, labels: JsonObject | undefined): boolean {
  const present = labels ?? {};
  return (
    hasLabels(present, selector.matchLabels ?? {}) &&
    (selector.matchExpressions ?? []).every((requirement) => holds(requirement, present))
  );
}

/** Whether the selector has no requirements. */
export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}
