import type { WatchedKind } from './world-feed.ts';

/** How long nothing has been heard from the API server about each kind of object. */
export interface Freshness {
  /** Notes a sign of life. */
  heard(kind: WatchedKind): void;
  /** Notes that the watch has broken off. */
  broken(kind: WatchedKind): void;
  /** Notes that a kind is not served any more: nothing can be heard about it. */
  forget(kind: WatchedKind): void;
  /** Milliseconds since the last sign of life, by kind. */
  ages(): ReadonlyMap<WatchedKind, number>;
  /** Kinds whose objects may no longer be what is served, with their ages. */
  stale(): ReadonlyMap<WatchedKind, number>;
}

/** A broken watch is stale after a minute. One that merely is quiet has a bookmark about every minute: two may be missing. */
const staleMs = { broken: 60_000, quiet: 150_000 } as const;

/** Creates the record of kinds that nothing is known of yet. */
export function createFreshness(kinds: readonly WatchedKind[], nowMs: () => number): Freshness {
  const heardMs = new Map<WatchedKind, number>(kinds.map((kind) => [kind, nowMs()]));
  const brokenKinds = new Set<WatchedKind>();

  function ages(): ReadonlyMap<WatchedKind, number> {
    const now = nowMs();
    return new Map([...heardMs].map(([kind, atMs]) => [kind, Math.max(0, now - atMs)]));
  }

  return {
    heard(kind) {
      heardMs.set(kind, nowMs());
      brokenKinds.delete(kind);
    },
    broken: (kind) => void brokenKinds.add(kind),
    forget(kind) {
      heardMs.delete(kind);
      brokenKinds.delete(kind);
    },
    ages,
    stale: () =>
      new Map([...ages()].filter(([kind, age]) => age >= (brokenKinds.has(kind) ? staleMs.broken : staleMs.quiet))),
  };
}
