import { content, contents, fieldsOf } from './wire-fields.ts';

const eds = 3;

/** Returns whether a `Cluster` takes its endpoints from EDS. */
export function needsEndpoints(cluster: Buffer): boolean {
  for (const { number, value } of fieldsOf(cluster)) if (number === 2) return value === eds;
  return false;
}

/** Returns the names of route configurations that a `Listener` asks for: in its HTTP connection managers. */
export function routesOf(listener: Buffer): readonly string[] {
  const chains = [...contents(listener, 3), ...contents(listener, 25)];
  const configs = chains.flatMap((chain) => contents(chain, 3)).map((filter) => content(filter, 4));
  return configs.flatMap((any) => {
    if (!content(any, 1).toString().endsWith('.HttpConnectionManager')) return [];
    const name = content(content(content(any, 2), 3), 2).toString();
    return name === '' ? [] : [name];
  });
}
