import type { World } from '../world/world.ts';

/** Names that stand in one notice. */
const mostNames = 5;

/** Returns the names of pods that endpoints of a Service name, and that do not exist. */
function strangersOf(world: World, service: string): readonly string[] {
  const slices = [...(world.slicesOfService.get(service) ?? [])].flatMap((key) => world.slice.get(key) ?? []);
  const named = slices.flatMap(({ endpoints }) => endpoints.flatMap(({ pod }) => pod ?? []));
  return [...new Set(named.filter((pod) => !world.pod.has(pod)))].toSorted();
}

/**
 * Creates a look at the endpoints of all Services. What names a pod that does not exist at two looks running is told once: for a moment, a
 * slice may be known before its pods.
 */
export function createLookout(noticed: (service: string, notices: readonly string[]) => void): (world: World) => void {
  let seen: ReadonlyMap<string, string> = new Map();
  const told = new Map<string, string>();
  return (world) => {
    const now = new Map<string, string>();
    for (const service of world.service.keys()) {
      const strangers = strangersOf(world, service);
      if (strangers.length === 0) continue;
      const more = strangers.length > mostNames ? `, and ${strangers.length - mostNames} more` : '';
      now.set(
        service,
        `endpoints are left out, because their pods do not exist: ${strangers.slice(0, mostNames).join(', ')}${more}`,
      );
    }
    for (const [service, text] of now) {
      if (seen.get(service) !== text || told.get(service) === text) continue;
      told.set(service, text);
      noticed(service, [text]);
    }
    for (const service of told.keys()) if (!now.has(service)) told.delete(service);
    seen = now;
  };
}
