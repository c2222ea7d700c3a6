import { noticesOf } from '../plan/notices.ts';
import type { World } from '../world/world.ts';

/** Returns a function that looks at a Service and tells what it asks for and its clients do not get, if that is new. */
export function createServiceNotices(
  noticed: (service: string, notices: readonly string[]) => void,
): (world: World, key: string) => void {
  const told = new Map<string, string>();
  return (world, key) => {
    const service = world.service.get(key);
    const now = service === undefined ? [] : noticesOf(service);
    const text = now.join();
    if (text === (told.get(key) ?? '')) return;
    if (now.length === 0) told.delete(key);
    else {
      told.set(key, text);
      noticed(key, now);
    }
  };
}
