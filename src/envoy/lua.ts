import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const type = 'envoy.extensions.filters.http.lua.v3.Lua';

/** Does nothing except on routes that have a script. */
export const luaFilter: JsonObject = extension('lua', type);

/** Returns a filter that runs a script for every request. All listeners share one interpreter, which takes 0.1 MiB a thread. */
export function scriptFilter(name: string, script: string): JsonObject {
  return extension(name, type, { shared_vm_id: name, default_source_code: { inline_string: script } });
}

/** Returns the `typed_per_filter_config` of a route that runs a script; `more` is added to its per-route message. */
export function routeScript(script: string, more: JsonObject = {}): JsonObject {
  return { lua: typed(`${type}PerRoute`, { source_code: { inline_string: script }, ...more }) };
}

/** Returns a filter that runs, on the routes that name one, a script out of several. It does nothing on the others. */
export function luaScripts(name: string, scripts: Readonly<Record<string, string>>): JsonObject {
  const source_codes = Object.entries(scripts).map(([key, inline_string]) => [key, { inline_string }]);
  return extension(name, type, { source_codes: Object.fromEntries(source_codes) as JsonObject });
}

/**
 * Returns the `typed_per_filter_config` of a route that runs a script of such a filter. All routes share the script,
 * which costs memory for each worker; `more` is added to the route's own message.
 */
export function scriptNamed(filter: string, script: string, more: JsonObject): JsonObject {
  return { [filter]: typed(`${type}PerRoute`, { name: script, ...more }) };
}
