import type { ObjectKind } from '../world/world.ts';

/** How long nothing has been heard from the API server about each kind of object. */
export interface Freshness {
  /** Notes a sign of life. */
  heard(kind: ObjectKind): void;
  /** Notes that the watch has broken off. */
  broken(kind: ObjectKind): void;
  /** Milliseconds since the last sign of life, by kind. */
  ages(): ReadonlyMap<ObjectKind, number>;
  /** Kinds whose objects may no longer be what is served, with their ages. */
  stale(): ReadonlyMap<ObjectKind, number>;
}

/** A broken watch is stale after a minute. One that merely is quiet has a bookmark about every minute: two may be missing. */
const staleMs = { broken: 60_000, quiet: 150_000 } as const;

/** Creates the record of kinds that nothing is known of yet. */
export function createFreshness(kinds: readonly ObjectKind[], nowMs: () => number): Freshness {
  const heardMs = new Map<ObjectKind, number>(kinds.map((kind) => [kind, nowMs()]));
  const brokenKinds = new Set<ObjectKind>();

  function ages(): ReadonlyMap<ObjectKind, number> {
    const now = nowMs();
    return new Map([...heardMs].map(([kind, atMs]) => [kind, Math.max(0, now - atMs)]));
  }

  return {
    heard(kind) {
      heardMs.set(kind, nowMs());
      brokenKinds.delete(kind);
    },
    broken: (kind) => void brokenKinds.add(kind),
    ages,
    stale: () =>
      new Map([...ages()].filter(([kind, age]) => age >= (brokenKinds.has(kind) ? staleMs.broken : staleMs.quiet))),
  };
}
