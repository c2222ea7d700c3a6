import type { Kind } from '../resources/kinds.ts';
import type { Item } from './ledger.ts';
import type { Target, Versioned } from './target.ts';

/** A change of what is newest, and what was there before. */
export interface Published<R extends Versioned> {
  readonly content: Target<R>;
  readonly kind: Kind;
  readonly name: string;
  readonly before: R | undefined;
}

/** Returns the owners that have more to change than endpoints and removals. */
export function tryingOwners<R extends Versioned>(changes: readonly Published<R>[]): ReadonlySet<string> {
  return new Set(
    changes.flatMap(({ content, kind, name }) => {
      const newest = content[kind].get(name);
      return newest === undefined || kind === 'endpoints' ? [] : [newest.owner];
    }),
  );
}

/** Returns whether a change is for all proxies at once. */
export function isUrgent<R extends Versioned>(
  { ledger, kind, name }: Item<R>,
  before: R | undefined,
  trying: ReadonlySet<string>,
): boolean {
  if (kind === 'endpoints') {
    const cluster = ledger.find('cluster', name);
    return cluster?.trial === undefined || cluster.isReleased || cluster.isRefused;
  }
  return !ledger.content[kind].has(name) && before !== undefined && !trying.has(before.owner);
}
