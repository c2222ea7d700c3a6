import type { JsonObject } from '../../../src/json/json.ts';
import { keyOf } from '../../../src/kubernetes/object-key.ts';
import { readEndpointSlice } from '../../../src/mesh/world/endpoint-slice.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';
import type { RuleKind } from '../../../src/mesh/rules/object-ref.ts';
import { ruleKinds } from '../../../src/mesh/rules/rule-kinds.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../../../src/mesh/world/world.ts';

/** What the API server would say when an object is there, or has gone. */
export function eventOf(object: JsonObject, isSet: boolean): WorldEvent {
  const key = keyOf(object);
  switch (object['kind'] as string) {
    case 'Service':
      return { kind: 'service', key, value: isSet ? readService(object) : undefined };
    case 'EndpointSlice':
      return { kind: 'slice', key, value: isSet ? readEndpointSlice(object) : undefined };
    case 'Pod':
      return { kind: 'pod', key, value: isSet ? readPod(object) : undefined };
    default: {
      const kind = object['kind'] as RuleKind;
      return { kind, key, value: isSet ? ruleKinds[kind].read(object) : undefined } as WorldEvent;
    }
  }
}

/** The world of these objects. */
export function worldOf(objects: readonly JsonObject[]): World {
  return applyEvents(
    emptyWorld,
    objects.map((object) => eventOf(object, true)),
  ).world;
}
