import type { EntrySelectors } from '../injection/policy/registration.ts';
import type { PodNamespace } from '../injection/standing.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';

/** Labels or annotations of an object; values that are no texts are left out. */
export function textsOf(object: JsonObject | undefined, map: 'labels' | 'annotations'): Record<string, string> {
  const texts = objectMember(objectMember(object, 'metadata'), map) ?? {};
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The parts of a Namespace that decisions depend on. */
export function readNamespaceFacts(object: JsonObject): PodNamespace {
  return {
    name: stringMember(objectMember(object, 'metadata'), 'name') ?? '',
    labels: textsOf(object, 'labels'),
    annotations: textsOf(object, 'annotations'),
  };
}

/** The entries of the cluster's registration. The API server has checked the shape of its selectors. */
export function readEntries(configuration: JsonObject): EntrySelectors[] {
  return objectsMember(configuration, 'webhooks').map((webhook) => ({
    name: stringMember(webhook, 'name') ?? '',
    namespaceSelector: objectMember(webhook, 'namespaceSelector') ?? {},
    objectSelector: objectMember(webhook, 'objectSelector') ?? {},
  }));
}

/** Whether a pod has ended or is to end, so that nothing is to be done about it. */
export function isOver(pod: JsonObject): boolean {
  const phase = stringMember(objectMember(pod, 'status'), 'phase');
  const deleted = stringMember(objectMember(pod, 'metadata'), 'deletionTimestamp');
  return phase === 'Succeeded' || phase === 'Failed' || deleted !== undefined;
}
