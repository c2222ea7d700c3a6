import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const type = 'envoy.extensions.filters.http.lua.v3.Lua';

/** Does nothing except on routes that have a script of their own. */
export const luaFilter: JsonObject = extension('lua', type);

/** A script that all filters which have it run in one interpreter. One takes 0.1 MiB a thread. */
export interface SharedScript {
  readonly name: string;
  readonly script: string;
}

function shared({ name, script }: SharedScript): JsonObject {
  return { shared_vm_id: name, default_source_code: { inline_string: script } };
}

/** Returns a filter that runs a script for every request. */
export function scriptFilter(of: SharedScript): JsonObject {
  return extension(of.name, type, shared(of));
}

/** Returns the `typed_per_filter_config` of a route that runs a script. */
export function routeScript(script: string): JsonObject {
  return { lua: typed(`${type}PerRoute`, { source_code: { inline_string: script } }) };
}

/**
 * Returns a filter that runs, on the routes that name one, a script out of several. It does nothing on the others.
 *
 * @param usual runs on the routes that have a context and name no script
 */
export function luaScripts(scripts: Readonly<Record<string, string>>, usual?: SharedScript): JsonObject {
  const source_codes = Object.entries(scripts).map(([name, inline_string]) => [name, { inline_string }]);
  return {
    ...extension('lua', type, {
      ...(usual === undefined ? {} : shared(usual)),
      ...(source_codes.length === 0 ? {} : { source_codes: Object.fromEntries(source_codes) as JsonObject }),
    }),
    ...(usual === undefined ? {} : { disabled: true }),
  };
}

/**
 * Returns the `typed_per_filter_config` of a route that runs such a script, which gets the context. All routes share it.
 *
 * @param name undefined for the usual one
 */
export function scriptNamed(name: string | undefined, filter_context: JsonObject): JsonObject {
  return { lua: typed(`${type}PerRoute`, { ...(name === undefined ? {} : { name }), filter_context }) };
}
