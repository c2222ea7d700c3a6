import { objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { keyOf } from '../../kubernetes/object-key.ts';
import type { RuleKind } from '../rules/object-ref.ts';
import { noRules, ruleKinds } from '../rules/rule-kinds.ts';
import { readEndpointSlice } from '../world/endpoint-slice.ts';
import { readPod } from '../world/pod.ts';
import type { RuleEvent } from '../world/rule-changes.ts';
import { readService } from '../world/service.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../world/world.ts';

/** Returns kind and API group of an object, without a version. */
export function typeOf(object: JsonObject): string {
  const version = stringMember(object, 'apiVersion') ?? '';
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  return `${stringMember(object, 'kind') ?? ''}.${group}`;
}

function inNamespace(object: JsonObject, namespace: string): JsonObject {
  const metadata = objectMember(object, 'metadata') ?? {};
  return stringMember(metadata, 'namespace') === undefined
    ? { ...object, metadata: { ...metadata, namespace } }
    : object;
}

/**
 * Returns the world of Services, EndpointSlices, pods and rules among these objects; all others are left out.
 *
 * @param namespace of objects that do not name theirs
 */
export function worldOfObjects(objects: readonly JsonObject[], namespace: string): World {
  const events: WorldEvent[] = [];
  const kinds = Object.keys(noRules) as readonly RuleKind[];
  for (const object of objects.map((one) => inNamespace(one, namespace))) {
    const key = keyOf(object);
    const type = typeOf(object);
    if (type === 'Service.') events.push({ kind: 'service', key, value: readService(object) });
    else if (type === 'EndpointSlice.discovery.k8s.io')
      events.push({ kind: 'slice', key, value: readEndpointSlice(object) });
    else if (type === 'Pod.') events.push({ kind: 'pod', key, value: readPod(object) });
    const kind = kinds.find((one) => `${one}.${ruleKinds[one].group}` === type);
    if (kind !== undefined) events.push({ kind, key, value: ruleKinds[kind].read(object) } as RuleEvent);
  }
  return applyEvents(emptyWorld, events).world;
}
