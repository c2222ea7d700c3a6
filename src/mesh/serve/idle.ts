/** How many of each sort are remembered without a proxy: one that restarts gets what was good for it before. */
const remembered = 4;

/** Removes the first of the values that are idle, if there are too many. Returns what was removed. */
export function trim<V>(values: Map<string, V>, isIdle: (value: V) => boolean): readonly V[] {
  const idle = [...values].filter(([, value]) => isIdle(value));
  const surplus = idle.slice(0, Math.max(0, idle.length - remembered));
  for (const [key] of surplus) values.delete(key);
  return surplus.map(([, value]) => value);
}
