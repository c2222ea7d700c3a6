import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const type = 'envoy.extensions.filters.http.lua.v3.Lua';

/** Does nothing except on routes that have a script of their own. */
export const luaFilter: JsonObject = extension('lua', type);

/** Returns a filter that runs a script for every request. All listeners share one interpreter, which takes 0.1 MiB a thread. */
export function scriptFilter(name: string, script: string): JsonObject {
  return extension(name, type, { shared_vm_id: name, default_source_code: { inline_string: script } });
}

/** Returns the `typed_per_filter_config` of a route that runs a script. */
export function routeScript(script: string): JsonObject {
  return { lua: typed(`${type}PerRoute`, { source_code: { inline_string: script } }) };
}

/** Returns a filter that runs, on the routes that name one, a script out of several. It does nothing on the others. */
export function luaScripts(scripts: Readonly<Record<string, string>>): JsonObject {
  const source_codes = Object.entries(scripts).map(([name, inline_string]) => [name, { inline_string }]);
  return extension('lua', type, { source_codes: Object.fromEntries(source_codes) as JsonObject });
}

/** Returns the `typed_per_filter_config` of a route that runs such a script, which gets the context. All routes share it. */
export function scriptNamed(name: string, filter_context: JsonObject): JsonObject {
  return { lua: typed(`${type}PerRoute`, { name, filter_context }) };
}
