import type { JsonObject } from '../../../json/json.ts';
import type { HeaderChanges } from '../../plan/route-plan.ts';

/** Returns a `HeaderValueOption`. Envoy would leave out what is empty. */
function option(key: string, value: string, append_action: JsonObject): JsonObject {
  return { header: { key, value }, ...append_action, ...(value === '' ? { keep_empty_value: true } : {}) };
}

/**
 * Returns the members of a route, or of one of its clusters, that change headers of requests or responses, in the order in which Envoy does so, however they
 * are written: it takes out what is to be removed, then sets, and then adds (`HeaderParser::evaluateHeaders`).
 */
export function headerChanges(of: 'request' | 'response', ...all: readonly (HeaderChanges | undefined)[]): JsonObject {
  const changes = all.filter((one) => one !== undefined);
  const overwriting: JsonObject = { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
  const added = [
    ...changes.flatMap(({ set }) => set.map(([name, value]) => option(name, value, overwriting))),
    ...changes.flatMap(({ add }) => add.map(([name, value]) => option(name, value, {}))),
  ];
  const removed = [...new Set(changes.flatMap(({ remove }) => remove))];
  return {
    ...(added.length === 0 ? {} : { [`${of}_headers_to_add`]: added }),
    ...(removed.length === 0 ? {} : { [`${of}_headers_to_remove`]: removed }),
  };
}
