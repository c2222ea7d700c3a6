import type { EntrySelectors } from '../injection/policy/registration.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';

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
