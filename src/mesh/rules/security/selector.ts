import * as z from 'zod';
import { isObject, objectMember, type JsonObject } from '../../../json/json.ts';
import { hasLabels } from '../../../pod/label-selector.ts';
import { labels } from '../istio/values.ts';

/** Schema of Istio's WorkloadSelector. */
export const workloadSelector = z.strictObject({
  matchLabels: labels.default({}).describe('Labels that a pod must have, all of them. Default: every pod.'),
});

/** Pods by their labels; undefined for all. */
export type WorkloadSelector = z.output<typeof workloadSelector> | undefined;

/** What a selector looks at. */
export interface Selectable {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Returns whether a selector names labels. One without any selects like none. */
export function isSpecific(selector: WorkloadSelector): boolean {
  return selector !== undefined && Object.keys(selector.matchLabels).length > 0;
}

/** Returns whether a pod has the labels of a selector. */
export function selects(selector: WorkloadSelector, pod: Pick<Selectable, 'labels'>): boolean {
  return hasLabels(pod.labels, selector?.matchLabels ?? {});
}

/**
 * Returns whether an object governs a pod: it is in the pod's namespace, or in the namespace whose objects count for all; and its selector
 * fits (Istio's rule for AuthorizationPolicy).
 */
export function governs(
  namespace: string,
  selector: WorkloadSelector,
  pod: Selectable,
  rootNamespace: string,
): boolean {
  return (namespace === pod.namespace || namespace === rootNamespace) && selects(selector, pod);
}

/** Returns the selector of an object that is not understood otherwise; undefined, which is all pods, if it is not understood either. */
export function selectorOfUnread(object: JsonObject): WorkloadSelector {
  const selector = objectMember(object, 'spec')?.['selector'];
  if (!isObject(selector)) return undefined;
  const read = workloadSelector.safeParse(selector);
  return read.success ? read.data : undefined;
}
