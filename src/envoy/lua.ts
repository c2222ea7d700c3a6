import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const type = 'envoy.extensions.filters.http.lua.v3.Lua';

/** Does nothing but on a route that has a script. */
export const luaFilter: JsonObject = extension('lua', type);

/** A route's own script (`typed_per_filter_config`), and what it is told beside the request. */
export function routeScript(script: string, more: JsonObject = {}): JsonObject {
  return { lua: typed(`${type}PerRoute`, { source_code: { inline_string: script }, ...more }) };
}
