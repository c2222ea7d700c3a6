/** Returns a function that says whether it gets a text for the first time. It forgets the oldest of more than `limit` texts. */
export function createFirstTime(limit: number): (text: string) => boolean {
  const seen = new Set<string>();
  return (text) => {
    const isFirst = !seen.delete(text);
    seen.add(text);
    const [oldest] = seen;
    if (seen.size > limit && oldest !== undefined) seen.delete(oldest);
    return isFirst;
  };
}
