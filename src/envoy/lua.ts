import { extension, typed } from './extension.ts';
import type { Tree } from './flow-yaml.ts';

const type = 'envoy.extensions.filters.http.lua.v3.Lua';

/** Does nothing but on a route that has a script. */
export const luaFilter: Tree = extension('lua', type);

/** A route's own script, and what it is told beside the request. */
export function routeScript(script: string, more: { readonly [key: string]: Tree } = {}): Tree {
  return { lua: typed(`${type}PerRoute`, { source_code: { inline_string: script }, ...more }) };
}
