import type { FormerIdentities } from '../resources/service-resources.ts';

/** Remembers which identities a cluster's endpoints had, until proxies certainly have newer endpoints. */
export interface IdentityMemory {
  /** Returns a function that notes the identities of an owner's clusters, and tells the former ones. */
  of(owner: string): FormerIdentities;
  /** Forgets identities that went a while ago, and returns the owners of their clusters. */
  forget(): ReadonlySet<string>;
}

/** How long an identity stays accepted after the last endpoint with it has gone. */
const keptMs = 60_000;

interface Remembered {
  readonly owner: string;
  current: ReadonlySet<string>;
  /** When each former identity went. */
  readonly gone: Map<string, number>;
}

/** Creates an empty memory. */
export function createIdentityMemory(nowMs: () => number): IdentityMemory {
  const byCluster = new Map<string, Remembered>();
  return {
    of: (owner) => (cluster, current) => {
      const known = byCluster.get(cluster) ?? { owner, current: new Set(), gone: new Map<string, number>() };
      const now = new Set(current);
      for (const identity of known.current) if (!now.has(identity)) known.gone.set(identity, nowMs());
      for (const identity of now) known.gone.delete(identity);
      known.current = now;
      if (now.size === 0 && known.gone.size === 0) byCluster.delete(cluster);
      else byCluster.set(cluster, known);
      return [...known.gone.keys()];
    },
    forget() {
      const owners = new Set<string>();
      for (const { owner, gone } of byCluster.values()) {
        for (const [identity, atMs] of gone) {
          if (nowMs() - atMs < keptMs) continue;
          gone.delete(identity);
          owners.add(owner);
        }
      }
      return owners;
    },
  };
}
