/**
 * Puts an entry into a map that holds at most `capacity`: those that were put last. A map keeps the order of insertion, so
 * its first key is the one that was not put for longest.
 */
export function putLast<V>(map: Map<string, V>, key: string, value: V, capacity: number): void {
  if (!map.delete(key) && map.size >= capacity) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(key, value);
}
