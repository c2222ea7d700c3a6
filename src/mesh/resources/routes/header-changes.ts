import type { JsonObject } from '../../../json/json.ts';
import type { HeaderChanges } from '../../plan/route-plan.ts';

/** Returns a `HeaderValueOption`. Envoy would leave out what is empty. */
function option(key: string, value: string, append_action: JsonObject): JsonObject {
  return { header: { key, value }, ...append_action, ...(value === '' ? { keep_empty_value: true } : {}) };
}

/** Returns the members of a route, or of one of its clusters, that change headers of requests or responses. */
export function headerChanges(of: 'request' | 'response', changes: HeaderChanges | undefined): JsonObject {
  if (changes === undefined) return {};
  const { set, add, remove } = changes;
  const added = [
    ...set.map(([name, value]) => option(name, value, { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' })),
    ...add.map(([name, value]) => option(name, value, {})),
  ];
  return {
    ...(added.length === 0 ? {} : { [`${of}_headers_to_add`]: added }),
    ...(remove.length === 0 ? {} : { [`${of}_headers_to_remove`]: [...remove] }),
  };
}
