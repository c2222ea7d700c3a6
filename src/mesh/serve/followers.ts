import { podsWithOtherServices } from '../plan/own-services.ts';
import type { Touched, World } from '../world/world.ts';

/** Proxies that follow which Services lead to their pod. */
export interface Followers {
  /** Calls the function whenever those of the pod may be others. The function that is returned ends it. */
  follow(pod: string, look: () => void): () => void;
  /** Takes a change of the world, and what it touches. */
  moved(before: World, after: World, touched: Touched): void;
}

/** Creates followers of nobody. */
export function createFollowers(): Followers {
  const byPod = new Map<string, Set<() => void>>();
  return {
    follow(pod, look) {
      const looks = byPod.get(pod) ?? new Set();
      byPod.set(pod, looks.add(look));
      return () => {
        looks.delete(look);
        if (looks.size === 0 && byPod.get(pod) === looks) byPod.delete(pod);
      };
    },
    moved(before, after, touched) {
      if (byPod.size === 0) return;
      for (const pod of podsWithOtherServices(before, after, touched)) for (const look of byPod.get(pod) ?? []) look();
    },
  };
}
